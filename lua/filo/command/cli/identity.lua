---`filo identity`: tells who the node is, and shows what brings it back when it is lost.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local runtime = require "filo.core.runtime"
local words = require "filo.command.words"

local ADVICE = "\nWrite them down in this order, and keep them where nobody else looks: who has\n"
  .. "them can pass for this node, and read and write its own objects, but not what it\n"
  .. "was given ('filo namespaces'). 'filo recover --words' takes them.\n"

local IN_A_ROW = 4

---The words with their numbers, some in a row.
local function show_words(identity)
  local list = words.of(identity:seed())
  for i, word in ipairs(list) do io.write(("%2d %-10s%s"):format(i, word, i % IN_A_ROW == 0 and "\n" or " ")) end
  io.write(ADVICE)
end

return {
  summary = "Tell who the node is; with --words, what brings it back when it is lost.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--words", "Show 24 words that stand for the identity, on a terminal only: to be written on paper.")
    parser:flag("--json", "For programs.")
    parser:epilog "A copy of the file is worth as much as the words."
  end,

  run = function(args)
    if args.words and args.json then return errors.fail("usage", "--words is for people, and --json for programs: leave one out") end
    if args.words and not runtime.is_terminal(1) then
      return errors.fail("usage", "the words are shown on a terminal only: nothing keeps them there; copy the file instead, for a backup")
    end
    local identity <close>, err, file = open.identity(args)
    if not identity then return nil, err end
    if args.words then return show_words(identity) end
    local keys <close> = assert(identity:namespace())
    local told = { id = identity:id(), namespace = keys:id(), file = file }
    io.write(args.json and json.encode(told, { "id", "namespace" }) .. "\n"
      or ("node      %s\nnamespace %s\nfile      %s\n"):format(told.id, told.namespace, format.printable(file)))
  end,
}
