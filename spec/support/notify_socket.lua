---A service manager's socket: prints what it is told. `local socket <close> = notify_socket(path)`; then socket:expect(pattern),
---and socket.address for NOTIFY_SOCKET. A path that starts with "@" is a name without a file.

local process = require "spec.support.process"

local PROGRAM = [[
  use Socket;
  $| = 1;
  (my $name = $ARGV[0]) =~ s/^@/\0/;
  my $socket;
  socket($socket, AF_UNIX, SOCK_DGRAM, 0) && bind($socket, sockaddr_un($name)) or die $!;
  print "bound\n";
  while (defined recv($socket, my $state, 4096, 0)) { print "$state\n--\n" }
]]

return function(path)
  local child = process.start { program = "perl", "-e", PROGRAM, path }
  child:expect "^bound\n"
  child.address = path
  return child
end
