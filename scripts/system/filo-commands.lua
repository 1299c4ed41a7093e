-- Prints the manual page of the commands, from their own --help:  filo scripts/system/filo-commands.lua > filo-commands.1

local cli = require "filo.command.cli"

local START = [[
.Dd November 25, 2026
.Dt FILO-COMMANDS 1
.Os
.Sh NAME
.Nm filo-commands
.Nd the commands of filo
.Sh SYNOPSIS
.Nm filo
.Ar command
.Op Ar argument ...
.Sh DESCRIPTION
Commands make a node, run it, and store and get files.
A node lives in a folder, its root: that of
.Fl -root ,
else of
.Ev FILO_ROOT ,
else
.Pa filo
in
.Ev XDG_DATA_HOME ,
else
.Pa ~/.local/share/filo .
.Pp
A first node, started, and a token with which others join it:
.Bd -literal -offset indent
filo init --listen 192.168.1.10:7171
filo serve &
filo invite > token
.Ed
.Pp
A token holds the cluster secret: whoever reads one can join.
The other node, on another machine:
.Bd -literal -offset indent
filo join - < token
filo serve &
.Ed
.Pp
As a service of the system, with its root in
.Pa /var/lib/filo :
.Bd -literal -offset indent
filo init --root /var/lib/filo
systemctl enable --now filo
.Ed
.Sh COMMANDS
]]

local FINISH = [[
.Sh EXIT STATUS
.Bl -tag -width 1n
.It 0
Done.
.It 1
Failed: the message says what, and what to do.
.It 2
The command line makes no sense.
.It 3
There is no such object.
.It 4
Not enough copies: the object is stored here, but not at as many peers as the
policy asks for.
.It 5
There is no running node to ask.
.El
.Sh SIGNALS
To
.Nm filo Cm serve :
.Bl -tag -width SIGTERM
.It Dv SIGHUP
Read
.Pa node.lua
again, as on
.Nm filo Cm reload .
When there is an error in it, the node goes on as it is.
.It Dv SIGTERM , SIGINT
End within 5 seconds, as on
.Nm filo Cm stop .
.El
.Sh SEE ALSO
.Xr filo 1
]]

---Text as it is, in the terms of mdoc.
local function literal(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (("\n" .. text):gsub("\n([.'])", "\n\\&%1"):sub(2))
end

io.write(START)
for _, name in ipairs(cli.NAMES) do
  io.write(".Ss filo ", name, "\n.Bd -literal\n", literal(cli.parser(name):help_max_width(73):get_help()), "\n.Ed\n")
end
io.write(FINISH)
