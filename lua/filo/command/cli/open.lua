---`filo open`: opens the page of the running node.

local filo = require "filo"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

---Whether somebody sits before a screen.
local function has_display() return (os.getenv "DISPLAY" or os.getenv "WAYLAND_DISPLAY" or "") ~= "" end

---The browser outlives this command.
local function show(url) return filo.run { "setsid", "--fork", "xdg-open", url } end

return {
  summary = "Open the page of the running node, which shows members, copies and plans.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--print", "Only print where it is, also where there is a screen.")
    parser:flag("--json", "For programs. Opens nothing.")
    parser:epilog("node.lua says where the page is, by http = \"127.0.0.1:7180\". Prints a link that works once, within a minute: who "
      .. "opens it sees all of the node, and may apply plans and remove members, for 12 hours or until the node ends. A key of "
      .. "'filo http-key' to everything opens the page, too.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local page
    page, err = client:call "open"
    if not page then return nil, err end
    io.write(args.json and json.encode(page, { "url" }) or page.url, "\n")
    if not args.json and not args.print and has_display() then show(page.url) end
  end,
}
