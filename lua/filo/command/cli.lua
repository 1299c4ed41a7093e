---Finds and runs commands: `filo NAME ...` is the module filo.command.cli.NAME, which is a table with
---
---  summary   one line
---  describe  function(parser): adds arguments and options, in the terms of argparse (may be left out)
---  run       function(args, cli): does it. Gives an exit status (none: done), or nil and an error, which is printed here.
---            It writes with io.write: print hides that a disk is full or a pipe is closed. What it needs of this module, such as
---            the other commands to help with, it is given

local argparse = require "filo.argparse"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local options = require "filo.base.options"

local cli = {}

---In the order in which help lists them.
cli.NAMES = {
  "init", "invite", "join", "serve", "reload", "stop", "put", "get", "ls", "stat", "versions", "rm", "undelete", "trash", "verify", "why",
  "usage", "peers", "forget", "drain", "plan", "apply", "repair", "status", "share", "accept", "namespaces", "rotate", "readers",
  "forget-reader", "http-key", "open", "identity", "recover", "sim", "help", "completions", "version",
}

local function known(name)
  for _, each in ipairs(cli.NAMES) do
    if each == name then return true end
  end
  return false
end

local function find(name) return known(name) and require("filo.command.cli." .. name) or nil end

---Has what this kind of element takes from the command line be some text, unless the command converts it itself.
local function refuse_empty(parser, kind)
  local make = parser[kind]
  parser[kind] = function(...)
    local element = make(...)
    return element:convert(function(text)
      if text ~= "" then return text end
      return nil, ("%s is empty"):format(kind == "option" and element._aliases[#element._aliases] or "the argument " .. element._name)
    end)
  end
end

local function describe(parser, command)
  parser:description(command.summary)
  refuse_empty(parser, "option")
  refuse_empty(parser, "argument")
  if command.describe then command.describe(parser) end
  return parser
end

local function usage_error(name)
  return function(parser, problem)
    failures.tell(name, problem)
    io.stderr:write(parser:get_usage(), "\n")
    os.exit(exit.usage, true)
  end
end

---The parser of one command, which ends the process on a wrong command line.
---@param name string
---@return table?  nil: there is no such command
function cli.parser(name)
  local command = find(name)
  if not command then return nil end
  local parser = describe(argparse("filo " .. name):help_max_width(80), command)
  parser.error = usage_error(name)
  return parser
end

---What `filo NAME --help` prints.
---@param name string
---@return string?  nil: there is no such command
function cli.help_page(name)
  local parser = cli.parser(name)
  return parser and parser:get_help()
end

---The parser of all commands, to make completions from.
---@return table
function cli.whole_parser()
  local parser = argparse "filo"
  for _, name in ipairs(cli.NAMES) do describe(parser:command(name), find(name)) end
  return parser
end

---A line for each command.
---@return string
function cli.overview()
  local lines = {}
  for i, name in ipairs(cli.NAMES) do lines[i] = ("  %-14s%s"):format(name, find(name).summary) end
  return table.concat(lines, "\n")
end

local function unknown(name)
  local nearest = options.nearest(name, cli.NAMES)
  local hint = nearest and (" Did you mean '%s'?"):format(nearest) or ""
  io.stderr:write(("filo: there is no command '%s'.%s\nAll commands: filo --help. A script is named as a file: filo ./%s\n"):format(
    name, hint, name))
  return exit.usage
end

---What was printed is not lost without a word; but who closed the pipe has read enough.
local function flush(name)
  local ok, problem, code = io.stdout:flush()
  if ok then return exit.done end
  if code ~= 32 then failures.tell(name, "cannot write its output: " .. problem) end -- EPIPE
  return exit.failure
end

---A number below 0 is the value of the option before it, and no option: `--nodes -3`.
local function join_negative(arguments)
  local joined = {}
  for i, argument in ipairs(arguments) do
    if argument == "--" then return table.move(arguments, i, #arguments, #joined + 1, joined) end
    local option = joined[#joined]
    if argument:find "^%-[%d.]" and option and option:find "^%-%-[^=]+$" then
      joined[#joined] = option .. "=" .. argument
    else
      joined[#joined + 1] = argument
    end
  end
  return joined
end

---Runs a command line.
---@param name string
---@param arguments string[]
---@return integer exit status
function cli.run(name, arguments)
  local parser = cli.parser(name)
  if not parser then return unknown(name) end
  local args = parser:parse(join_negative(arguments))
  local status, err = find(name).run(args, cli)
  if err then
    failures.tell(name, errors.text(err))
    if args.json then failures.write_json(err, { key = type(args.key) == "string" and args.key or nil }) end
    return exit.of(err)
  end
  local flushed = flush(name)
  return status and status ~= exit.done and status or flushed
end

return cli
