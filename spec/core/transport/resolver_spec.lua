---After a change of network no peer was found by name until a restart: name servers and hosts were read once.

local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

---A name server at an address that knows every name, and that all are at 127.0.0.1; or one that says nothing.
local SERVER = [[
  use Socket;
  my $s;
  socket($s, PF_INET, SOCK_DGRAM, 0) && bind($s, sockaddr_in(53, inet_aton($ARGV[0]))) or die $!;
  open(my $ready, ">", "ready-$ARGV[0]");
  while (defined(my $from = recv($s, my $query, 512, 0))) {
    next if $ARGV[1] eq "silent";
    my $end = index($query, "\0", 12) + 5;
    my ($question, $type) = (substr($query, 12, $end - 12), unpack("n", substr($query, $end - 4, 2)));
    my $answer = $type == 1 ? pack("nnnNna4", 0xc00c, 1, 1, 0, 4, "\x7f\0\0\1") : "";
    send($s, substr($query, 0, 2) . pack("nnnnn", 0x8180, 1, $answer ne "", 0, 0) . $question . $answer, 0, $from);
  }
]]

---Runs a script where /etc/hosts, /etc/resolv.conf and the network are its own, as `hosts` and `resolv.conf` in its folder.
---127.0.0.1 has a name server that is silent, 127.0.0.2 one that answers.
local function run(code)
  local folder <close> = temp.folder()
  folder:write("hosts", "127.0.0.1 localhost\n")
  folder:write("resolv.conf", "nameserver 127.0.0.1\n")
  folder:write("server.pl", SERVER)
  folder:write("script.lua", code)
  local within = ([[
    cd %s
    mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf && ip link set lo up || exit 99
    perl server.pl 127.0.0.1 silent & silent=$!
    perl server.pl 127.0.0.2 answers & answers=$!
    until [ -e ready-127.0.0.1 ] && [ -e ready-127.0.0.2 ]; do sleep 0.01; done
    %s script.lua || echo "failed: $?"
    kill $silent $answers
  ]]):format(temp.quote(folder.path), temp.quote(runtime.program()))
  local result = process.run { program = "unshare", "--map-root-user", "--mount", "--net", "sh", "-c", within }
  if result.status == 99 then pending "no namespaces of one's own here" end
  return result
end

local START = [[
  local filo = require "filo"
  local listener = assert(filo.listen "127.0.0.1:0")
  local port = listener:address():match ":%d+$"
  local function write(file, text)
    local opened <close> = io.open(file, "w")
    opened:write(text)
  end
  local function try(name, seconds)
    local connection, err = filo.dial(name .. port, seconds)
    print(name, connection and "connected" or err.code .. ": " .. err.message)
    if connection then connection:close() end
  end
]]

describe("a name", function()
  it("is looked up in the files as they are now", function()
    local result = run(START .. [[
      write("resolv.conf", "nameserver 127.0.0.3\n") -- nobody is there
      try "peer.test"
      write("hosts", "127.0.0.1 peer.test\n")
      try "peer.test"
      write("hosts", "")
      try "peer.test"
      write("resolv.conf", "nameserver 127.0.0.2\n")
      try "peer.test"
    ]])
    local out = result.out:gsub("unreachable: cannot look up peer.test: [^\n]+", "none")
    assert.equal("peer.test\tnone\npeer.test\tconnected\npeer.test\tnone\npeer.test\tconnected\n", out)
  end)

  it("that no name server answers for holds up nothing else, nor the end of the process", function()
    local result = run(START .. [[
      local task = filo.spawn(try, "slow.test", 1)
      filo.sleep(0)
      write("hosts", "127.0.0.1 peer.test\n")
      try "peer.test"
      task:join()
      for i = 1, 200 do filo.spawn(try, "slow" .. i % 100 .. ".test", 0.5) end
      filo.sleep(0)
      try "peer.test"
      os.exit(0, true)
    ]])
    local timeout = "slow.test\ttimeout: the name servers did not answer for slow.test\n"
    local lines = {}
    for line in result.out:gmatch "[^\n]+\n" do lines[#lines + 1] = line end
    assert.equal("peer.test\tconnected\n", lines[1])
    assert.equal(timeout, lines[2])
    local busy = 0
    for _, line in ipairs(lines) do
      if line:find "busy: cannot look up slow%d+.test: 64 other names are being looked up\n" then busy = busy + 1 end
    end
    assert.is_true(busy > 0)
    assert.is_nil(result.out:find "failed")
  end)
end)
