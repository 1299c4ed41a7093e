---The page of a node in a real browser: what is seen, what is pressed, and what hostile names do: nothing.

local browsers = require "spec.support.browser"
local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"

local HOSTILE = [[<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'&amp;]]
local BIDI = "\u{202e}gpj.exe\u{2066}\u{7}\u{200b}"

---A node with a page and two copies of each object, and what others join with.
local function home(house)
  house:run("home", "init", "--listen", "127.0.0.1:0", "--name", "home")
  local text = house:read("home", "node.lua"):gsub("filo.policy.everywhere,", "filo.policy.copies(2),")
  house:write("home", "node.lua", (text:gsub("about = {", 'http = "127.0.0.1:0", about = { zone = "cellar",')))
  local _, address = house:serve "home"
  return house:run("home", "invite", "--address", address).out
end

---Another node, with what it says of itself; waits until there are so many members.
local function join(house, token, name, about, count)
  assert.equal(0, house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0").status)
  house:write(name, "node.lua", (house:read(name, "node.lua"):gsub("about = {.-},\n", function() return "about = " .. about .. ",\n" end)))
  house.module = "spec.support.boastful"
  local child = house:serve(name)
  house.module = nil
  nodes.wait(function() return select(2, house:run("home", "peers").out:gsub(" up ", "")) == count end, "members")
  return child
end

local function put(house, key) assert.equal(0, house:feed(("x"):rep(5000), "home", "put", "-", "-q", "-k", key).status) end

local function enter(house, browser)
  browser:go(house:run("home", "open", "--print").out:match "%S+")
  browser:wait "return document.querySelectorAll('#members-list tbody tr').length > 1"
end

---Presses Tab until what has the focus is that.
local function tab_to(browser, selector)
  for _ = 1, 80 do
    browser:press "Tab"
    if browser:run("return document.activeElement.matches(arguments[0])", selector) then return end
  end
  error("the keyboard does not lead to " .. selector, 2)
end

---Texts whose colour is less than 4.5 from what is behind it, or 3 where they are large.
local FAINT = [[
  const numbers = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
  };
  const faint = [];
  for (const e of document.body.querySelectorAll("*")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== "");
    if (!own || e instanceof SVGElement || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), [a, b] = [light(numbers(style.color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faint.push(e.outerHTML.slice(0, 120));
  }
  return faint;
]]

local ASKED_ELSEWHERE = [[
  return performance.getEntriesByType("resource").map((entry) => entry.name).filter((url) => !url.startsWith(location.origin + "/"));
]]

---What a screen reader would find without a name.
local NAMELESS = [[
  const bad = [];
  for (const e of document.querySelectorAll("section")) {
    if (!e.getAttribute("aria-label") && !document.getElementById(e.getAttribute("aria-labelledby"))) bad.push(e.id);
  }
  for (const e of document.querySelectorAll("button")) {
    if (e.checkVisibility() && !e.textContent.trim() && !e.getAttribute("aria-label")) bad.push(e.outerHTML);
  }
  for (const e of document.querySelectorAll("th")) if (!e.scope || !e.textContent.trim()) bad.push(e.outerHTML);
  for (const e of document.querySelectorAll("table")) if (!e.caption) bad.push(e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("input")) if (e.labels.length === 0) bad.push(e.outerHTML);
  for (const e of document.querySelectorAll("progress")) if (!e.getAttribute("aria-label")) bad.push(e.outerHTML);
  if (document.querySelectorAll("h1").length !== 1) bad.push("h1");
  for (const name of ["header", "nav", "main"]) if (!document.querySelector(name)) bad.push(name);
  return bad;
]]

describe("the page of a node, in a browser", function()
  it("shows hostile names of keys and members as text, on a phone, too", function()
    local house <close> = commands.house()
    local token = home(house)
    join(house, token, "attic", ("{ name = %q, zone = %q }"):format(HOSTILE .. BIDI, HOSTILE .. ("W"):rep(300)), 1)
    local long = HOSTILE .. BIDI .. ("y"):rep(4096 - #HOSTILE - #BIDI)
    put(house, HOSTILE)
    put(house, long)
    put(house, "\xff\xfe<b>")
    local browser <close> = browsers.open()
    browser:resize(1280, 900)
    enter(house, browser)
    local members = browser:run "return document.getElementById('members-list').textContent"
    assert.is_truthy(members:find(HOSTILE:sub(1, 60), 1, true))
    assert.is_nil(members:find("\u{202e}", 1, true))
    browser:wait "return document.querySelectorAll('#names button').length === 3"
    for i = 0, 2 do
      browser:run("document.querySelectorAll('#names button')[arguments[0]].click()", i)
      browser:wait("return document.querySelector('#why h4')?.textContent.startsWith(arguments[0])",
        i < 2 and "<img src=x" or "\u{FFFD}\u{FFFD}<b>")
    end
    browser:run "document.querySelectorAll('#names button')[1].click()"
    browser:wait "return document.querySelector('#why h4')?.textContent.includes('\\\\u{202e}gpj.exe\\\\u{2066}\\\\u{7}\\\\u{200b}yyy')"
    assert.equal(2, browser:run "return document.querySelectorAll('#why tbody tr').length")
    browser:run "const button = document.querySelector('[data-id^=forget]'); button.focus(); button.click()"
    assert.is_truthy(browser:run("return document.getElementById('ask').textContent"):find("<img src=x", 1, true))
    browser:press "Escape"
    browser:wait "return document.activeElement.matches('[data-id^=forget]')"
    put(house, HOSTILE .. "2")
    browser:wait "return document.querySelectorAll('#names button').length === 4"
    browser:wait "return document.querySelector('#news-list li')"
    browser:resize(320, 640)
    browser:wait "return innerWidth === 320"
    assert.equal(320, browser:run "return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert.is_true(browser:run "return window.hacked === undefined && !document.querySelector('body img, body script, body iframe')")
    assert.same({}, browser:run(ASKED_ELSEWHERE))
    assert.equal("/", browser:run "return location.pathname + location.search")
    assert.equal("", browser:run "return document.cookie") -- no script sees it
  end)

  it("shows a plan, and applies it once that is confirmed, by keyboard alone", function()
    local house <close> = commands.house()
    local token = home(house)
    join(house, token, "attic", '{ name = "attic" }', 1)
    for i = 1, 12 do put(house, "key " .. i) end
    join(house, token, "loft", '{ name = "loft", zone = "top" }', 2)
    local browser <close> = browsers.open()
    enter(house, browser)
    browser:press "Tab"
    assert.equal("Skip to the content", browser:run "return document.activeElement.textContent")
    browser:press "Enter"
    assert.equal("main", browser:run "return document.activeElement.id")
    tab_to(browser, "#key")
    browser:type "key 1"
    browser:press "Enter"
    browser:wait "return document.querySelectorAll('#why tbody tr').length === 3"
    local why = browser:run "return document.getElementById('why').textContent"
    assert.matches("key 1.*Policy2 copies.*Copies2 of 2 wanted.*home.*good verified", why)
    tab_to(browser, "#make-plan")
    browser:press "Enter"
    browser:wait "return document.querySelector('#plan-shown table')"
    local drawn = browser:run "return document.querySelector('#plan-shown svg')?.getAttribute('aria-label')"
    if drawn then -- by the IDs, which are drawn, nothing may move: once in 4,096
      assert.matches("attic to loft: %d+ cop%l+, [%d.]+ KiB", drawn)
      tab_to(browser, "[data-id=apply]")
      browser:press "Enter"
      assert.equal("ask-no", browser:run "return document.activeElement.id")
      assert.matches("%d+ cop%l+ of .- would be made.*attic.*loft", browser:run "return document.getElementById('ask-text').textContent")
      browser:press "Escape"
      assert.equal(1, house:run("home", "apply").status) -- none was applied
      browser:wait "return document.activeElement.dataset.id === 'apply'"
      browser:press "Enter"
      browser:press "Tab"
      browser:press "Enter"
      browser:wait "return /Plan \\w+ applied, begun/.test(document.getElementById('applied').textContent)"
      assert.matches("was applied", house:run("home", "apply").out)
    end
    assert.same({}, browser:run(NAMELESS))
  end)

  it("tells at once of a member that goes, and of the end of its session", function()
    local house <close> = commands.house()
    local attic = join(house, home(house), "attic", '{ name = "attic" }', 1)
    local browser <close> = browsers.open()
    enter(house, browser)
    browser:wait "return document.getElementById('live').textContent === 'live'"
    attic:kill "TERM"
    attic:wait()
    browser:wait "return document.getElementById('members-list').textContent.includes('away')"
    browser:wait "return document.getElementById('news-told').textContent === 'attic is away'"
    browser:run "document.querySelector('[data-id^=forget]').click()"
    assert.matches("^Remove attic%?$", browser:run "return document.getElementById('ask-title').textContent")
    browser:run "document.getElementById('ask-yes').click()"
    browser:wait "return !document.getElementById('members-list').textContent.includes('attic')"
    assert.equal("", house:run("home", "peers").out)
    browser:run "document.getElementById('leave').click()"
    browser:wait "return document.getElementById('live').textContent === 'ended'"
    assert.is_false(browser:run "return document.getElementById('trouble').hidden")
  end)

  it("can be read in the light and in the dark", function()
    local house <close> = commands.house()
    join(house, home(house), "attic", '{ name = "attic" }', 1)
    put(house, "a")
    local browser <close> = browsers.open()
    enter(house, browser)
    browser:run "document.getElementById('make-plan').click()"
    browser:wait "return document.querySelector('#plan-shown table')"
    local grounds = {}
    for i, scheme in ipairs { "light", "dark" } do
      browser:colors(scheme)
      grounds[i] = browser:run "return getComputedStyle(document.body).backgroundColor"
      assert.same({}, browser:run(FAINT))
    end
    assert.not_equal(grounds[1], grounds[2])
  end)
end)
