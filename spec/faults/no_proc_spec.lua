---Where /proc is not mounted (a container, a chroot), no command ran: "cannot read /proc/self/exe", with a traceback.

local commands = require "spec.support.commands"
local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---A sanitizer takes the place of the stack from there, and takes what lies on it for errors without.
if not filo.program:find "/release/" then return end

---Runs a shell's script, with this program as $FILO, where /proc is empty.
local function run(script, root)
  local within = "mount -t tmpfs none /proc || exit 99\n" .. script
  local env = { FILO = filo.program, FILO_ROOT = root }
  return process.run { program = "unshare", "--map-root-user", "--mount", "sh", "-ec", within, env = env }
end

describe("without /proc", function()
  it("a node serves, and files are stored and read", function()
    local house <close> = commands.house()
    house.folder:write("file", "content")
    local result = run(([[
      cd %s
      $FILO init --listen 127.0.0.1:0 >init
      $FILO serve 2>log & node=$!
      until $FILO status >status 2>/dev/null; do sleep 0.05; done
      $FILO put file --key key
      $FILO get key --output -
      kill $node
      wait $node
      cat status
    ]]):format(temp.quote(house.folder.path)), house:root "a")
    if result.status == 99 then pending "no namespaces of one's own here" end
    assert.same({ 0, "" }, { result.status, result.err })
    assert.matches("content", result.out)
    assert.matches("memory +unknown: /proc is not mounted", result.out)
  end)

  it("a script knows the program that runs it, and that its memory cannot be told", function()
    local result = run [[$FILO -e 'local filo = require "filo" print(filo.program) print(filo.memory())']]
    if result.status == 99 then pending "no namespaces of one's own here" end
    assert.equal(filo.program .. "\nnil\tcannot read /proc/self/statm: No such file or directory\n", result.out)
  end)

  it("a path of a socket that is too long is told as such", function()
    local house <close> = commands.house()
    local root = house:root(("long/"):rep(30))
    local result = run("mkdir -p $FILO_ROOT; $FILO init --listen 127.0.0.1:0 >/dev/null; $FILO serve", root)
    if result.status == 99 then pending "no namespaces of one's own here" end
    assert.matches("^filo serve: the path of the socket .*/control is longer than 107 bytes, which takes /proc: mount it, or ", result.err)
  end)
end)
