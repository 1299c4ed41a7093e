---filo help TOPIC

return {
  summary = "Explain a command, or a script by its own first lines.",
  describe = function(parser) parser:argument("topic", "A command, or the file of a script."):args "?" end,
  run = function() io.write(require("filo.cli").overview(), "\n") end,
}
