---Content to be stored: files and pipes of every kind.

local commands = require "spec.support.commands"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

-- Two sources that read one blocking standard input stopped the node: both were told of a byte, one took it, and the other waited
-- for the next on the loop thread.

local SECONDS = 20

---Reads its input twice at once, and goes on until the file arg[1], which it makes, is gone.
local SCRIPT = [[
local filo = require "filo"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"
local folder <close> = temp.folder()
local disk <close> = stores.open(folder)
local a <close> = assert(disk:deposit_file "-")
local b <close> = assert(disk:deposit_file "-")
assert(io.open(arg[1], "w")):close()
while os.rename(arg[1], arg[1]) do filo.sleep(0.001) end
print "goes on"
]]

---Runs a command with a pipe as its input; writes a byte once the last argument is a file, and removes that once the byte was taken.
local FEEDER = [[
my $file = $ARGV[-1];
pipe my $reader, my $writer or die;
my $pid = fork;
if (!$pid) { open STDIN, "<&", $reader; exec @ARGV; }
sub pause { select undef, undef, undef, 0.001 }
sub is_there { vec(my $set = "", fileno $reader, 1) = 1; select $set, undef, undef, 0 }
pause until -e $file;
syswrite $writer, "x";
pause while is_there;
unlink $file;
waitpid $pid, 0;
]]

describe("standard input that is read twice at once", function()
  it("stops nothing when one reader took what came", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", SCRIPT)
    local result = process.run { program = "perl", "-e", FEEDER, filo.program, script, folder:file "waits", seconds = SECONDS }
    assert.equal("goes on\n", result.out, result.err)
  end)
end)

-- Content of unknown size was written to the disk by the loop thread when it was small, and everything else waited for that disk.

local SIZE = 60000

---Bytes that the loop thread, which runs this, has written since it started.
local function written()
  local file <close> = assert(io.open "/proc/thread-self/io")
  return tonumber(file:read("a"):match "wchar: (%d+)")
end

describe("small content of unknown size", function()
  it("is written by a worker", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local sent = false
    local function content()
      if sent then return nil end
      sent = true
      return ("x"):rep(SIZE)
    end
    local before = written()
    assert.equal(SIZE, assert(a:store("key", content)).size)
    assert.is_true(written() - before < SIZE)
  end)

  it("is counted when this thread writes it", function()
    local folder <close> = temp.folder()
    local before = written()
    folder:write("file", ("x"):rep(SIZE))
    assert.is_true(written() - before >= SIZE)
  end)
end)

-- A regular file whose size the system gives as 0 though it has content, such as those in /proc, was stored empty.

local UNSIZED = "/proc/self/environ"

describe("a file of size 0", function()
  it("is read to its end when it has content", function()
    local file <close> = assert(io.open(UNSIZED, "rb"))
    local content = file:read "a"
    assert.is_true(#content > 0)
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.equal(#content, assert(a:store("environment", filo.file(UNSIZED))).size)
    assert.equal(content, assert(a:get "environment"):read "a")
  end)

  it("is empty when it is", function()
    local folder <close> = temp.folder()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.equal(0, assert(a:store("empty", filo.file(folder:write("empty", "")))).size)
    assert.equal("", assert(a:get "empty"):read "a")
  end)
end)

-- `{ read line; filo put - --key k; } < file` stored the whole file, not what was left of it: regular files are read by offset.
describe("standard input that somebody has read from", function()
  it("is stored from there on", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    local rest = nodes.bytes(3 << 20)
    local path = house.folder:write("file", "first line\n" .. rest)
    local line = ("export FILO_ROOT=%s; { head -c 11 > /dev/null; %s put - --key k --quiet; } < %s"):format(
      temp.quote(house:root "a"), temp.quote(filo.program), temp.quote(path))
    local result = process.run { program = "/bin/sh", "-c", line }
    assert.same({ 0, "" }, { result.status, result.err })
    assert.equal(0, house:run("a", "get", "k", "--output", house.folder:file "back").status)
    assert.is_true(rest == house.folder:read "back")
  end)
end)
