---`filo recover`: makes a lost node anew, from a copy of its identity, or from the 24 words that stand for it.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local join = require "filo.command.cli.join"
local root = require "filo.command.root"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local words = require "filo.command.words"

---What is wrong with the command line.
local function check(args)
  if args.words and args.identity then return "the identity comes from a file or from words: leave one out" end
  if not args.words and not args.identity then return "say what there is of the lost node: --identity FILE, or --words" end
  if args.words and args.token == "-" then return "the words are read from standard input: give the token as a file" end
end

---The words, as they are typed, over as many lines as it takes.
---@return filo.Identity?, filo.Error?
local function read_words()
  if runtime.is_terminal(0) then io.stderr:write("The 24 words, in their order, with spaces between them; an empty line ends them:\n") end
  local lines = {}
  for line in io.lines() do
    if line == "" then break end
    lines[#lines + 1] = line
  end
  local seed, err = words.seed(table.concat(lines, " "))
  if not seed then return nil, err end
  return crypto.identity_from_seed(seed)
end

---Puts the identity into the root; one that is there already must be the same.
---@return true?, filo.Error?
local function put(identity, path)
  local ok, err = store.prepare(path)
  if not ok then return nil, err end
  local file = path .. "/identity"
  ok, err = identity:save(file)
  if ok then return true end
  if err.code ~= "exists" then return nil, err end
  local there <close>, problem = crypto.identity_load(file)
  if not there then return nil, problem end
  if there:id() == identity:id() then return true end
  return errors.fail("exists", ("there is another node in %s already: choose another folder with --root"):format(format.printable(path)))
end

---The root, where there is no node yet.
local function free_root(args)
  local path, err = root.path(args)
  if not path or not root.exists(root.options_file(path)) then return path, err end
  return errors.fail("exists", ("there is a node in %s already: choose another folder with --root"):format(format.printable(path)))
end

---Whether a capability is to what the identity makes anyway: a token for another machine of this very node brings it.
---@param line string?
local function is_own(line, identity)
  local given = line and crypto.namespace(line)
  return given and given:id() == identity:namespace():id()
end

local RECOVERED = [[
It is the node that was lost.]]

local DEVICE = [[
It is the node that was lost, and reads and writes what is stored at the node that invited it: put, get and rm mean
the same objects here and there. What it had stored as its own is there with --of own.]]

return {
  summary = "Make a lost node anew, from a copy of its identity or from its 24 words.",

  describe = function(parser)
    root.option(parser)
    root.node_options(parser)
    parser:argument("token", "The file with a token that a node has printed which holds copies (filo invite); '-' is standard input.")
    parser:option("--identity", "The copy of the file 'identity' of the lost node."):argname "FILE"
    parser:flag("--words", "The words are read from the terminal or, without one, from standard input.")
    parser:flag("--json", "For programs.")
    parser:epilog("The node has the ID that it had, lists at once all that its peers have of its objects (filo ls), and gets from them "
      .. "what it is asked for (filo get). Never run two nodes with one identity.")
  end,

  run = function(args)
    local problem = check(args)
    if problem then return errors.fail("usage", problem) end
    local path, err = free_root(args)
    if not path then return nil, err end
    local invitation
    invitation, err = join.read_token(args.token)
    if not invitation then return nil, err end
    local identity <close>, why = (args.words and read_words or crypto.identity_load)(args.identity)
    if not identity then return nil, why end
    local ok
    ok, err = put(identity, path)
    if not ok then return nil, err end
    if is_own(invitation.capability, identity) then invitation.capability = nil end
    return join.make(args, path, invitation, invitation.capability and DEVICE or RECOVERED, true)
  end,
}
