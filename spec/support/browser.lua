---A real browser, Chromium, that is told what to do over WebDriver. Its profile is a temporary folder.
---
---    local browser <close> = browsers.open()
---    browser:go "http://127.0.0.1:7180/"
---    browser:wait("return document.title === 'home – Filo'")   -- until JavaScript gives something true
---    browser:press "Tab"                                        -- keys, as a person types them
---    browser:shot "/tmp/a.png"

local dkjson = require "dkjson"
local filo = require "filo"
local http = require "spec.support.http"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---It may start slowly beside others.
local SECONDS = 60

---Keys that have no letter, as WebDriver names them.
local KEYS = { Tab = "\u{E004}", Enter = "\u{E007}", Shift = "\u{E008}", Escape = "\u{E00C}", Space = " ", Control = "\u{E009}" }

local Browser = {}
Browser.__index = Browser

local browsers = {}

local function ask(self, method, path, body)
  local client <close> = http.dial(self.address)
  client.seconds = SECONDS
  client:send(http.text(method, path, { headers = { Host = "127.0.0.1", ["Content-Type"] = "application/json" }, body = body }))
  local head = client:up_to "\r\n\r\n" or ""
  local text = client:bytes(tonumber(head:lower():match "\ncontent%-length: *(%d+)") or 0)
  local said = dkjson.decode(text, 1, nil)
  if head:find "^HTTP/1.1 200 " and said then return said.value end
  error(("%s %s: %s"):format(method, path, said and said.value and said.value.message or head .. text), 2)
end

---@return boolean  whether there is one
function browsers.there()
  return process.run { program = "sh", "-c", "command -v chromium && command -v chromedriver" }.status == 0
end

---@param given? {width?: integer, height?: integer}
function browsers.open(given)
  given = given or {}
  local self = setmetatable({ folder = temp.folder() }, Browser)
  self.driver = process.start { program = "chromedriver", "--port=0", env = { HOME = self.folder.path } }
  self.address = "127.0.0.1:" .. self.driver:expect "started successfully on port (%d+)"
  local arguments = {
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--user-data-dir=" .. self.folder:file "profile", ("--window-size=%d,%d"):format(given.width or 1280, given.height or 1000),
  }
  local wanted = { capabilities = { alwaysMatch = { browserName = "chrome", ["goog:chromeOptions"] = { args = arguments } } } }
  local ok, made = pcall(ask, self, "POST", "/session", dkjson.encode(wanted))
  if not ok then
    self:close()
    error(made, 0)
  end
  self.session = "/session/" .. made.sessionId
  return self
end

local function tell(self, what, value) return ask(self, "POST", self.session .. what, value and dkjson.encode(value) or "{}") end

function Browser:go(url) return tell(self, "/url", { url = url }) end

---Runs JavaScript in the page; gives what it returns.
function Browser:run(script, ...)
  return tell(self, "/execute/sync", { script = script, args = setmetatable({ ... }, { __jsontype = "array" }) })
end

---Waits until JavaScript gives something true, and gives that.
function Browser:wait(script, ...)
  local deadline = filo.now() + 20
  while true do
    local value = self:run(script, ...)
    if value then return value end
    if filo.now() > deadline then
      error(("the page does not come to this: %s\n%s"):format(script, self:run "return document.body.innerText"), 2)
    end
    filo.sleep(0.1)
  end
end

---Presses a key, or one while others are held: press("Shift", "Tab").
function Browser:press(...)
  local actions, names = {}, { ... }
  for i, name in ipairs(names) do actions[i] = { type = "keyDown", value = KEYS[name] or name } end
  for i = #names, 1, -1 do actions[#actions + 1] = { type = "keyUp", value = KEYS[names[i]] or names[i] } end
  return tell(self, "/actions", { actions = { { type = "key", id = "keys", actions = actions } } })
end

function Browser:type(text)
  for _, code in utf8.codes(text) do self:press(utf8.char(code)) end
end

---A command of Chromium's own protocol.
function Browser:command(name, parameters)
  return tell(self, "/goog/cdp/execute", { cmd = name, params = setmetatable(parameters or {}, { __jsontype = "object" }) })
end

---As on a screen of that size, in CSS pixels.
function Browser:resize(width, height)
  return self:command("Emulation.setDeviceMetricsOverride", { width = width, height = height, deviceScaleFactor = 1, mobile = width < 500 })
end

---@param scheme "dark"|"light"
function Browser:colors(scheme)
  return self:command("Emulation.setEmulatedMedia", { features = { { name = "prefers-color-scheme", value = scheme } } })
end

---Writes a picture of the whole page.
function Browser:shot(path)
  local shot = self:command("Page.captureScreenshot", { captureBeyondViewport = true })
  local file <close> = assert(io.open(path, "wb"))
  file:write((filo.crypto.unbase64 or require("filo.core.crypto").unbase64)(shot.data))
end

function Browser:close()
  if self.session then pcall(ask, self, "DELETE", self.session) end
  self.driver:close()
  self.folder:remove()
end

Browser.__close = Browser.close

return browsers
