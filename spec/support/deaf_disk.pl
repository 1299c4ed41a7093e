# Runs a command in which the flushes (fallocate, pread64 at an offset below 4 GiB, and opening a file without a name: tmpfile) that are
# named fail with EIO, as on a disk that is dying, or one that cannot: a seccomp filter answers them. With pread64, nothing is read that is in
# memory already: the system says that it cannot tell.
#
#     perl deaf_disk.pl fsync,fdatasync,syncfs,pread64@4096 command arguments...

use strict;
use warnings;

my $machine = qx(uname -m);
my %numbers = $machine =~ /^x86_64/
  ? (fsync => 74, fdatasync => 75, syncfs => 306, fallocate => 285, pread64 => 17, preadv2 => 327, tmpfile => 257, prctl => 157)
  : $machine =~ /^aarch64/ ? (fsync => 82, fdatasync => 83, syncfs => 267, fallocate => 47, pread64 => 67, preadv2 => 286, tmpfile => 56, prctl => 167)
  : die "the numbers of system calls are not known for $machine";

my ($LOAD, $EQUAL, $RETURN) = (0x20, 0x15, 0x06);
my $ANY_BIT = 0x45;
my ($NUMBER, $FLAGS, $OFFSET) = (0, 16 + 2 * 8, 16 + 3 * 8); # in what a filter sees: the call, and low halves of its arguments
my $O_TMPFILE = 0x400000; # openat's flag
my ($ALLOW, $ERROR_EIO, $ERROR_EOPNOTSUPP) = (0x7fff0000, 0x00050005, 0x0005005f);
my ($NO_NEW_PRIVS, $SECCOMP, $FILTER) = (38, 22, 2);

sub instruction { return pack "SCCL", @_ }

my $filter = '';
for (split /,/, shift) {
  my ($name, $offset) = split /@/;
  my $only = defined $offset ? instruction($LOAD, 0, 0, $OFFSET) . instruction($EQUAL, 0, 1, $offset)
    : $name eq 'tmpfile' ? instruction($LOAD, 0, 0, $FLAGS) . instruction($ANY_BIT, 0, 1, $O_TMPFILE) : '';
  $filter .= instruction($LOAD, 0, 0, $NUMBER) . instruction($EQUAL, 0, $only ? 3 : 1, $numbers{$name}) . $only
    . instruction($RETURN, 0, 0, $ERROR_EIO);
  $filter .= instruction($LOAD, 0, 0, $NUMBER) . instruction($EQUAL, 0, 1, $numbers{preadv2}) . instruction($RETURN, 0, 0, $ERROR_EOPNOTSUPP)
    if $name eq 'pread64';
}
$filter .= instruction($RETURN, 0, 0, $ALLOW);

my $program = pack "Sx![Q]P", length($filter) / 8, $filter;
syscall($numbers{prctl}, $NO_NEW_PRIVS, 1, 0, 0, 0) == 0 or die "prctl: $!";
syscall($numbers{prctl}, $SECCOMP, $FILTER, $program, 0, 0) == 0 or die "seccomp: $!";
exec @ARGV or die "cannot run $ARGV[0]: $!";
