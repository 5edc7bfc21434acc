#!/usr/bin/perl
# Turns `apt-cache dumpavail` into three CSV files for the flow test and the
# demo: pkg.csv, maint.csv, section.csv in the directory given. Columns that
# the index does not have in some type are derived from each package's name and
# version, so that two runs over one index are equal byte by byte.
#
#	apt-cache dumpavail | perl dumpavail.pl DIR [ROWS]
use strict;
use warnings;
use Digest::SHA qw(sha256);

my ($dir, $limit) = @ARGV;
defined $dir or die "usage: dumpavail.pl DIR [ROWS]\n";

sub out { open my $f, '>', "$dir/$_[0]" or die "$dir/$_[0]: $!\n"; $f }

sub csv
{
	join(',', map {
		my $v = $_;
		defined $v ? do { $v =~ s/"/""/g; qq("$v") } : ''
	} @_) . "\n";
}

# Microseconds since 2000-01-01 as PostgreSQL prints a timestamp.
sub stamp
{
	my $us = shift;
	my $s = int($us / 1_000_000) + 946_684_800;
	my @t = gmtime $s;
	sprintf '%04d-%02d-%02d %02d:%02d:%02d.%06d', $t[5] + 1900,
	    $t[4] + 1, @t[3, 2, 1, 0], $us % 1_000_000;
}

my ($pkg, $maint, $section) = map { out($_) } qw(pkg.csv maint.csv section.csv);
my (%maint, %section);
my $id = 0;

sub row
{
	my %f = @_;
	my $h = sha256("$f{Package} $f{Version}");
	my ($a, $b, $c) = unpack 'N N N', $h;
	my $name = $f{Maintainer} // 'nobody <nobody@localhost>';
	my $sec = $f{Section} // 'none';

	if (!exists $maint{$name}) {
		$maint{$name} = 1 + keys %maint;
		my ($domain) = $name =~ /@([^>]*)/;
		print $maint csv($maint{$name}, $name, $domain);
	}
	if (!exists $section{$sec}) {
		$section{$sec} = 1;
		print $section csv($sec, scalar keys %section,
		    $sec =~ /^lib/ ? 't' : 'f');
	}
	$id++;
	my $size = $f{Size} // $a % 5_000_000;
	my $installed = $f{'Installed-Size'};
	my ($source) = split ' ', $f{Source} // $f{Package};
	my $ndeps = () = ($f{Depends} // '') =~ /,/g;
	my $score = $size / 1000;
	my $ratio = $installed ? $installed * 1024 / ($size + 1) : undef;
	$score = 'NaN' if $id % 997 == 0;
	$score = '-0' if $id % 991 == 0;
	$ratio = 'Infinity' if $id % 983 == 0;
	$ratio = '-Infinity' if $id % 1979 == 0;
	$ratio = 'NaN' if $id % 1987 == 0;
	my $us = ($a % 788_918_400) * 1_000_000 + $b % 1_000_000;
	my ($day) = split ' ', stamp(($c % 9131) * 86_400_000_000);
	print $pkg csv($id, $f{Package}, $f{Version}, $source, $maint{$name},
	    $sec, $f{Priority} // 'optional', $installed, $size,
	    ($f{'Multi-Arch'} // '') eq 'foreign' ? 't' : 'f', $score, $ratio,
	    '\x' . unpack('H*', substr $h, 12, 8 + $a % 9),
	    join('-', unpack 'H8 H4 H4 H4 H12', substr $h, 0, 16),
	    $day, stamp($us), stamp($us + 3_600_000_000) . '+00',
	    $ndeps, $f{Description});
}

my (%f, $key);
sub flush_row
{
	row(%f) if defined $f{Package} && defined $f{Version}
	    && (!$limit || $id < $limit);
	%f = ();
}
while (my $line = <STDIN>) {
	chomp $line;
	if ($line eq '') {
		flush_row();
	} elsif ($line =~ /^([A-Za-z0-9-]+):\s*(.*?)\s*$/) {
		$key = $1 eq 'Description-en' ? 'Description' : $1;
		$f{$key} = $2 if $2 ne '';
	}
}
flush_row();
close $_ or die "write: $!\n" for $pkg, $maint, $section;
print "$id\n";
