---`filo completions`: prints what a shell needs to complete command lines.

return {
  summary = "Print what a shell needs to complete filo's command lines.",

  describe = function(parser)
    parser:argument("shell", "bash, zsh or fish."):choices { "bash", "zsh", "fish" }
    parser:epilog "For bash: source <(filo completions bash)"
  end,

  run = function(args, cli)
    local parser = cli.whole_parser()
    io.write(parser[("get_%s_complete"):format(args.shell)](parser))
  end,
}
