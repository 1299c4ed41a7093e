---`filo help`: explains a command, a script, or a name that scripts use.

local errors = require "filo.base.errors"
local options = require "filo.base.options"
local script_comment = require "filo.command.script_comment"

---What a script's first lines say. The script is not run.
local function of_script(path)
  local text, problem = script_comment(path)
  if not text then return errors.fail("not_found", "there is no such script: " .. problem) end
  if text == "" then return errors.fail("not_found", path .. " does not start with a comment that says what it does") end
  return text
end

---What scripts may use: functions, classes, options.
local function of_name(name)
  local page = require("filo.prompt.help").about(name)
  return page and page .. "\n"
end

local function unknown(cli, topic)
  local nearest = options.nearest(topic, cli.NAMES)
  local hint = nearest and ("Did you mean '%s'? "):format(nearest) or ""
  return errors.fail("not_found", ("there is no help on '%s'. %sA script is named as a file: filo help ./%s"):format(topic, hint, topic))
end

local function page_of(cli, topic)
  if topic:find "/" or topic:find "%.lua$" then return of_script(topic) end
  local command = cli.help_page(topic)
  local page = command and command .. "\n" or of_name(topic)
  if page then return page end
  return unknown(cli, topic)
end

return {
  summary = "Explain a command, a script by its own first lines, or a name that scripts use.",

  describe = function(parser)
    parser:argument("topic", "A command; a file of a script; or a name such as options, node, store, crypto.random."):args "?"
  end,

  run = function(args, cli)
    local text, err = cli.overview() .. "\n", nil
    if args.topic then text, err = page_of(cli, args.topic) end
    if not text then return nil, err end
    io.write(text)
  end,
}
