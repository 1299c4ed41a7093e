# Runs a command in which the flushes (and fallocate) that are named fail with EIO, as on a disk that is dying: a seccomp filter answers them.
#
#     perl deaf_disk.pl fsync,fdatasync,syncfs command arguments...

use strict;
use warnings;

my $machine = qx(uname -m);
my %numbers = $machine =~ /^x86_64/
  ? (fsync => 74, fdatasync => 75, syncfs => 306, fallocate => 285, prctl => 157)
  : $machine =~ /^aarch64/ ? (fsync => 82, fdatasync => 83, syncfs => 267, fallocate => 47, prctl => 167)
  : die "the numbers of system calls are not known for $machine";

my ($LOAD, $EQUAL, $RETURN) = (0x20, 0x15, 0x06);
my ($ALLOW, $ERROR_EIO) = (0x7fff0000, 0x00050005);
my ($NO_NEW_PRIVS, $SECCOMP, $FILTER) = (38, 22, 2);

sub instruction { return pack "SCCL", @_ }

my $filter = instruction($LOAD, 0, 0, 0);
for my $name (split /,/, shift) {
  $filter .= instruction($EQUAL, 0, 1, $numbers{$name}) . instruction($RETURN, 0, 0, $ERROR_EIO);
}
$filter .= instruction($RETURN, 0, 0, $ALLOW);

my $program = pack "Sx![Q]P", length($filter) / 8, $filter;
syscall($numbers{prctl}, $NO_NEW_PRIVS, 1, 0, 0, 0) == 0 or die "prctl: $!";
syscall($numbers{prctl}, $SECCOMP, $FILTER, $program, 0, 0) == 0 or die "seccomp: $!";
exec @ARGV or die "cannot run $ARGV[0]: $!";
