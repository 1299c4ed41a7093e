-- Two sources that read one blocking standard input stopped the node: both were told of a byte, one took it, and the other waited
-- for the next on the loop thread.

local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

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
