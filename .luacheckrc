std = "lua54"
max_line_length = 140
files["spec"] = { std = "lua54+busted" }
files["lua/stubs"] = { ignore = { "212", "241" } } -- arguments and fields are there to be read
files["lua/filo/command/launch.lua"] = { globals = { "arg" } }
exclude_files = { "build", ".install" }
