# A way to an address that holds next to nothing: bytes go on in small pieces, by sockets with small buffers.
#
#     perl narrow.pl address port [rate]    writes where it listens; passes one connection on, at most so many bytes a second to there

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF SO_SNDBUF);

my ($host, $port, $rate) = @ARGV;
my ($SMALL, $PIECE) = (4096, 700); # a window that is smaller than a segment would stop the system's TCP, too

sub narrow {
  my $socket = shift;
  setsockopt($socket, SOL_SOCKET, $_, $SMALL) or die "setsockopt: $!" for SO_RCVBUF, SO_SNDBUF;
  return $socket;
}

$| = 1;
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
narrow($listener); # what it accepts is so from the start
bind($listener, sockaddr_in(0, INADDR_LOOPBACK)) && listen($listener, 1) or die "listen: $!";
printf "127.0.0.1:%d\n", (sockaddr_in(getsockname $listener))[0];
accept(my $near, $listener) or die "accept: $!";
socket(my $far, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
connect(narrow($far), sockaddr_in($port, inet_aton($host))) or die "connect: $!";

my %other = ($near => $far, $far => $near);
my $both = IO::Select->new($near, $far);
while (my @ready = $both->can_read) {
  for my $from (@ready) {
    exit unless sysread $from, my $bytes, $PIECE;
    my $sent = 0;
    $sent += syswrite($other{$from}, $bytes, length($bytes) - $sent, $sent) // exit while $sent < length $bytes;
    select undef, undef, undef, $sent / $rate if $rate && $from == $near;
  }
}
