---What bin/filo runs: its command line, as the standalone `lua` has it: options, then a script, a command, or the prompt.

local commands = require "filo.prompt.help.commands"
local exit = require "filo.base.exit_status"
local runtime = require "filo.core.runtime"
local waiting_require = require "filo.host.require"

local USAGE = [=[
usage: filo [options] [script [args]]
       filo command [args]
  -e code   run the code
  -E        ignore LUA_INIT, LUA_PATH and LUA_CPATH in the environment
  -i        prompt after running the script
  --attach [root]    run code and script within the node that runs on the
                     root, or prompt there; default: $FILO_ROOT. Arguments,
                     the first without a dot or slash, may follow -e code
                     there: its `...`
  -l name   require the module name into a global of that name
  -l g=name require the module name into the global g
  -v        print the version; so does --version
  -W        turn warnings on
  --        no more options; a script follows
  -         run standard input as the script
]=]

---A message for people on stderr, and the end.
local function fail(message)
  io.stderr:write("filo: ", message, "\n")
  os.exit(exit.failure, true)
end

local function usage(problem)
  io.stderr:write("filo: ", problem, "\n", USAGE)
  os.exit(exit.usage, true)
end

---What there is, on stdout.
local function help()
  print(USAGE .. "commands, each with --help:\n" .. require("filo.command.cli").overview())
  os.exit(0, true)
end

local function run_chunk(chunk, problem, ...)
  if not chunk then fail(problem) end
  return chunk(...) -- called by nobody here, as its traceback has it
end

---What the environment has each script begin with.
local function run_init()
  local name = os.getenv "LUA_INIT_5_4" and "LUA_INIT_5_4" or "LUA_INIT"
  local init = os.getenv(name) or ""
  if init:sub(1, 1) == "@" then return run_chunk(loadfile(init:sub(2))) end
  return run_chunk(load(init, "=" .. name))
end

local function require_global(name)
  local global, module = name:match "^([^=]+)=(.+)$"
  local ok, value = pcall(require, module or name)
  if not ok then error(type(value) == "string" and value:gsub("^filo/command/launch%.lua:%d+: ", "") or value, 0) end
  _G[global or name] = value
end

local function turn_warnings_on() warn "@on" end

---Options that take a value, here or in the next argument, and what they do.
local actions = {
  e = function(code) return run_chunk(load(code, "=(command line)")) end,
  l = require_global,
}

---What they are within a running node: code.
local codes = {
  [actions.e] = function(code) return code end,
  [actions.l] = function(name)
    local global, module = name:match "^([^=]+)=(.+)$"
    return ("_ENV[%q] = require %q"):format(global or name, module or name)
  end,
  [turn_warnings_on] = function() return 'warn "@on"' end,
}

---The root after `--attach`, which may be left out before another option. Returns how many arguments that are.
local function attached_root(given)
  local count = given and given:sub(1, 1) ~= "-" and 1 or 0
  local path = count == 1 and given or count == 0 and os.getenv "FILO_ROOT" or ""
  if path == "" then usage "'--attach' needs the root of a running node" end
  return path, count
end

---Reads options up to the script or command. Returns the list of actions, the flags, and the index of the script.
local function parse(argv)
  local steps, flags = {}, {}
  local i = 1
  while argv[i] and argv[i]:sub(1, 1) == "-" and argv[i] ~= "-" do
    local option = argv[i]
    local letter = option:sub(2, 2)
    if option == "--" then
      flags.script = true
      return steps, flags, i + 1
    end
    if option == "--attach" then
      local count
      flags.attach, count = attached_root(argv[i + 1])
      i = i + count
    elseif option == "--help" or option == "-h" then
      help()
    elseif actions[letter] then
      local value = #option > 2 and option:sub(3) or argv[i + 1]
      if not value then usage(("'%s' needs an argument"):format(option)) end
      if #option == 2 then i = i + 1 end
      steps[#steps + 1] = { actions[letter], value }
    elseif option == "--version" then
      flags.v = true
    elseif option == "-W" then
      steps[#steps + 1] = { turn_warnings_on }
    elseif option:match "^%-[Eiv]$" then
      flags[letter] = true
    else
      usage(("unrecognized option '%s'"):format(option))
    end
    i = i + 1
  end
  return steps, flags, i
end

---Whether the first word is a command, or one that was mistyped, rather than a script, which has a folder or an ending.
local function is_command(word) return not word:find "[/.]" and word ~= "-" end

---Whether what follows the options is not a script, but arguments of code within a running node.
local function is_for_code(argv, flags, options, first)
  local code
  for _, option in ipairs(options) do code = code or option[1] == actions.e end
  return flags.attach and code and not flags.script and argv[first] and is_command(argv[first])
end

---Shifts argv so that the script is at 0, as `lua` does.
local function script_arguments(argv, script)
  local shifted = {}
  for i = 0, #argv do shifted[i - script] = argv[i] end
  return shifted
end

---Runs all within the node that runs on a root; then the prompt, when it was asked for, or there is nothing else to do.
local function attach(root, steps, arguments, script, prompt)
  local new_remote = require "filo.command.attach"
  local run_there = require "filo.command.attached_script"
  local texts = {}
  for i, step in ipairs(steps) do texts[i] = codes[step[1]](step[2]) end
  local function open(plain)
    local remote, err = new_remote(root, plain)
    if remote then run_there(remote, texts, arguments, script) end
    return remote, err
  end
  if prompt or not script and not steps[1] then return require "filo.prompt"(open) end
  local remote, err = open(true)
  if remote then return remote:close() end
  io.stderr:write("filo: ", err.message, "\n")
  os.exit(exit.of(err), true)
end

local function run_command(name, arguments) os.exit(require("filo.command.cli").run(name, arguments), true) end

local function run_script(name)
  local chunk, problem = loadfile(name)
  if type(arg) ~= "table" then fail "'arg' is not a table" end
  return run_chunk(chunk, problem, table.unpack(arg))
end

local function prompt() return require "filo.prompt"() end

---What a command line without `--attach` asks for, in order. Functions that end by calling a script, so that it finds nobody above itself.
local function steps_here(argv, options, flags, script, command)
  local steps = { not flags.E and not command and run_init or nil }
  for _, option in ipairs(options) do steps[#steps + 1] = function() return option[1](option[2]) end end
  local named = argv[script]
  local alone = not named and #options == 0 and not flags.v
  local prompts = flags.i or alone and runtime.is_terminal(0)
  if command then
    steps[#steps + 1] = function() run_command(named, table.move(argv, script + 1, #argv, 1, {})) end
  elseif named or alone and not prompts then
    local name = (named ~= "-" or flags.script) and named or nil
    steps[#steps + 1] = function() return run_script(name) end
  end
  if prompts then steps[#steps + 1] = prompt end
  return steps
end

---@param argv string[]  with the program at 0
---@return function[]  to be called one after another
return function(argv)
  argv[0] = argv[0] or "filo"
  _G.require = waiting_require
  commands.page = function(name) return require("filo.command.cli").help_page(name) end
  local options, flags, script = parse(argv)
  if argv[script] == "" and not flags.script then usage "the name of a script or command is empty" end
  local for_code = is_for_code(argv, flags, options, script)
  local command = argv[script] and not for_code and not flags.script and is_command(argv[script])
  local refused = command and (flags.attach and "--attach" or flags.i and "-i")
  if refused then usage(("'%s' goes with a script, and '%s' is a command"):format(refused, argv[script])) end
  if flags.E then package.path, package.cpath = require("filo.core.modules").default_paths() end
  if flags.v then print(("filo %s (%s)"):format(require("filo").VERSION, _VERSION)) end
  local named = not for_code and argv[script]
  arg = script_arguments(argv, named and script or 0)
  if flags.attach then
    local arguments = named and arg or table.move(argv, script, #argv, 1, { [0] = argv[0] })
    return { function() return attach(flags.attach, options, arguments, named, flags.i) end }
  end
  return steps_here(argv, options, flags, script, command)
end
