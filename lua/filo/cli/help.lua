---filo help TOPIC

local cli = require "filo.cli"
local errors = require "filo.errors"
local header = require "filo.header"
local options = require "filo.options"

---What a script's first lines say. The script is not run.
local function of_script(path)
  local text, problem = header(path)
  if not text then return errors.fail("not_found", "there is no such script: " .. problem) end
  if text == "" then return errors.fail("not_found", path .. " does not start with a comment that says what it does") end
  return text
end

local function of_command(name)
  local parser = cli.parser(name)
  if parser then return parser:get_help() .. "\n" end
  local nearest = options.nearest(name, cli.NAMES)
  local hint = nearest and ("Did you mean '%s'? "):format(nearest) or ""
  return errors.fail("not_found", ("there is no help on '%s'. %sA script is named as a file: filo help ./%s"):format(name, hint, name))
end

return {
  summary = "Explain a command, or a script by its own first lines.",

  describe = function(parser) parser:argument("topic", "A command, or the file of a script."):args "?" end,

  run = function(args)
    local topic = args.topic
    if not topic then
      io.write(cli.overview(), "\n")
      return
    end
    local text, err = (topic:find "[/.]" and of_script or of_command)(topic)
    if not text then return nil, err end
    io.write(text)
  end,
}
