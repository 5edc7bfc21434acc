#!/usr/bin/perl
# Speaks to the agent's socket as nobody should: truncated, oversized,
# reordered and random frames. Each must end in an error reply or a closed
# connection within the deadline; afterwards a proper HELLO is served.
use strict;
use warnings;
use IO::Socket::UNIX;
use IO::Select;

my ($path) = @ARGV;
my ($HELLO, $OPEN, $EVAL, $SORT) = (1, 4, 17, 18);
my $id = 0;

sub start { IO::Socket::UNIX->new(Peer => $path) or die "connect: $!\n" }

sub frame
{
	my ($op, $body, %o) = @_;
	pack('V C C v V', $o{length} // length $body, $op, $o{flags} // 0,
	    $o{status} // 0, ++$id) . $body;
}

# (status, body), or () when the connection was closed; dies when it hangs.
sub answer
{
	my ($s, $what) = @_;
	my $buf = '';
	my $want = 12;
	while (length $buf < $want) {
		IO::Select->new($s)->can_read(40) or die "$what: no answer\n";
		my $n = sysread $s, my $more, $want - length $buf;
		return () unless $n;
		$buf .= $more;
		$want = 12 + unpack 'V', $buf if $want == 12 && length $buf == 12;
	}
	my ($length, $op, $flags, $status) = unpack 'V C C v', $buf;
	$flags & 1 or die "$what: a reply without the reply flag\n";
	($status, substr $buf, 12);
}

sub hello { frame($HELLO, pack 'v v', 1, 0) }

sub greeted
{
	my $s = start();
	syswrite $s, hello();
	my ($status) = answer($s, 'HELLO');
	defined $status && $status == 0 or die "HELLO is not served\n";
	$s;
}

# closes NAME, BYTES: the agent must close the connection.
sub closes
{
	my ($what, $bytes) = @_;
	my $s = greeted();
	local $SIG{PIPE} = 'IGNORE';
	syswrite $s, $bytes;
	my @a = answer($s, $what);
	die "$what: answered with status $a[0], not closed\n" if @a;
}

# refuses NAME, BYTES: an error reply, and the connection lives on.
sub refuses
{
	my ($what, $bytes, $s) = @_;
	$s //= greeted();
	syswrite $s, $bytes;
	my @a = answer($s, $what);
	@a or die "$what: closed without a word\n";
	$a[0] or die "$what: accepted\n";
	syswrite $s, frame(8, '');
	@a = answer($s, "$what, then STATUS");
	@a && $a[0] == 0 or die "$what: the connection is spoilt\n";
}

closes('a body beyond max_frame', frame(8, '', length => 0x7fffffff));
closes('the largest length', frame(8, '', length => 0xffffffff));
closes('unknown flags', frame(8, '', flags => 0x80));
closes('a status in a request', frame(8, '', status => 5));
refuses('an unknown operation', frame(200, ''));
refuses('a reply where a request is wanted', frame(8, '', flags => 1));
refuses('HELLO twice', hello());
refuses('EVAL without a session', frame($EVAL, pack 'V V', 1, 1));
refuses('SORT without a session', frame($SORT, pack 'C C v V V', 1, 3, 0, 0, 1));
refuses('STATUS with bytes behind', frame(8, 'x'));
refuses('OPEN with nothing', frame($OPEN, ''));
refuses('OPEN with a lying length', frame($OPEN, pack('V', 1000) . 'abc'));
refuses('OPEN with rubbish', frame($OPEN, pack('V', 64) . 'A' x 64));
refuses('RING without a descriptor', frame(9, pack 'V', 65536));
refuses('EVIDENCE with a short nonce', frame(2, 'n' x 31));
refuses('EVIDENCE with a long nonce', frame(2, 'n' x 33));

# Before HELLO nothing else is legal.
{
	my $s = start();
	syswrite $s, frame(8, '');
	my @a = answer($s, 'STATUS before HELLO');
	@a && $a[0] == 0 and die "STATUS before HELLO: served\n";
}
# Another version is told so.
{
	my $s = start();
	syswrite $s, frame($HELLO, pack 'v v', 999, 0);
	my @a = answer($s, 'HELLO of version 999');
	@a && $a[0] == 8 or die "HELLO of version 999: not VERSION\n";
}
# Byte by byte, two at once, and half a frame, then good-bye.
{
	my $s = start();
	syswrite $s, $_ for split //, hello();
	my @a = answer($s, 'HELLO byte by byte');
	@a && $a[0] == 0 or die "HELLO byte by byte: refused\n";
	syswrite $s, frame(8, '') . frame(8, '');
	for (1, 2) {
		@a = answer($s, 'two frames at once');
		@a && $a[0] == 0 or die "two frames at once: refused\n";
	}
	syswrite $s, substr frame(8, '' x 5), 0, 7;
}
# Random bodies for every operation, random bytes for everything.
srand 20;
for my $op (0 .. 31, 255) {
	for my $n (0, 1, 4, 16, 17, 100) {
		my $s = greeted();
		syswrite $s, frame($op, join '', map { chr int rand 256 } 1 .. $n);
		answer($s, "operation $op, $n random bytes") if $op != 10;
	}
}
for (1 .. 200) {
	my $s = start();
	local $SIG{PIPE} = 'IGNORE';
	syswrite $s, join '', map { chr int rand 256 } 1 .. 12 + rand 80;
	shutdown $s, 1;
	1 while sysread $s, my $drop, 65536;
}
greeted();
print "frames: all refused\n";
