#!/usr/bin/perl
# Searches a process's memory, as root or its own user would, for a text.
#
#	hunt.pl TEXT PID...
#
# Prints one line per finding; 0 when something was found, 1 when nothing was,
# 2 when a process could not be opened at all. Counts what was read, so that a
# hunt that saw nothing is not mistaken for one that found nothing.
use strict;
use warnings;

my ($text, @pids) = @ARGV;
@pids or die "usage: hunt.pl TEXT PID...\n";
my $found = 0;
my $closed = 0;

# As UTF-8, and as UTF-16 in case a library widened it.
my @needles = ($text, join '', map { "$_\0" } split //, $text);

sub hunt
{
	my $pid = shift;
	my ($read, $unreadable) = (0, 0);

	open my $maps, '<', "/proc/$pid/maps" or return 0;
	open my $mem, '<:raw', "/proc/$pid/mem" or return 0;
	while (<$maps>) {
		my ($from, $to, $name) = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+\s*(.*)/
		    or next;
		next if $name =~ /^\[v(var|syscall)/;
		no warnings 'portable';
		my ($at, $end, $tail) = (hex $from, hex $to, '');
		while ($at < $end) {
			my $n = $end - $at > 1 << 20 ? 1 << 20 : $end - $at;
			sysseek $mem, $at, 0;
			my $got = sysread $mem, my $buf, $n;
			if (!$got) {
				$unreadable += $n;
				$at += $n;
				$tail = '';
				next;
			}
			for my $needle (@needles) {
				next if index("$tail$buf", $needle) < 0;
				printf "pid %d: found in %s (%s-%s)\n", $pid,
				    $name || 'anonymous memory', $from, $to;
				$found++;
			}
			$tail = substr $buf, -400;
			$read += $got;
			$at += $got;
		}
	}
	printf "pid %d: %d KiB read, %d KiB closed to the reader\n", $pid,
	    $read / 1024, $unreadable / 1024;
	return 1;
}

for my $pid (@pids) {
	hunt($pid) or do { $closed++; print "pid $pid: cannot be opened\n" };
}
exit($found ? 0 : $closed ? 2 : 1);
