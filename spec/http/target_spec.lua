local quick = require "spec.support.quick"
local target = require "filo.http.target"

local EVERY_BYTE = {}
for byte = 0, 255 do EVERY_BYTE[byte + 1] = string.char(byte) end
EVERY_BYTE = table.concat(EVERY_BYTE)

---What a target is, in the order path, raw path, query, authority.
local function assert_target(text, path, raw_path, raw_query, authority)
  local expected = { path = path, raw_path = raw_path, raw_query = raw_query, authority = authority }
  assert.same({ expected }, { target.parse(text) })
end

local function assert_refused(cases)
  for text, reason in pairs(cases) do assert.same({ n = 2, nil, reason }, table.pack(target.parse(text))) end
end

describe("a target", function()
  it("is a path", function()
    assert_target("/", "/", "/")
    assert_target("/where", "/where", "/where")
    assert_target("/where?q=now", "/where", "/where", "q=now")
    assert_target("/?", "/", "/", "")
    assert_target("/a??b=/c?", "/a", "/a", "?b=/c?")
    assert_target("/a:b@c;d=e,f'()*!$&+", "/a:b@c;d=e,f'()*!$&+", "/a:b@c;d=e,f'()*!$&+")
  end)

  it("is decoded once", function()
    assert_target("/a%20b", "/a b", "/a%20b")
    assert_target("/%2541", "/%41", "/%2541")
    assert_target("/a%2Fb%2fc", "/a/b/c", "/a%2Fb%2fc")
    assert_target("/%00%ff%C3%A9%3F%23%25", "/\0\xff\u{e9}?#%", "/%00%ff%C3%A9%3F%23%25")
    assert_target("/a?b%20c", "/a", "/a", "b%20c")
    assert_target("/a+b", "/a+b", "/a+b")
  end)

  it("is not tidied up", function()
    for _, path in ipairs { "//", "//host/a", "/.", "/..", "/../../etc/passwd", "/a/./b/../c", "/a//b///", "/a/", "/\\..\\" } do
      assert_target(path, path, path)
    end
    assert_target("/%2e%2e/%2E", "/../.", "/%2e%2e/%2E")
  end)

  it("is a URL, to a proxy", function()
    assert_target("http://www.example.org/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html", nil,
      "www.example.org")
    assert_target("http://example.com:8001", "/", "/", nil, "example.com:8001")
    assert_target("https://example.com/a", "/a", "/a", nil, "example.com")
    assert_target("http://example.com?a=b", "/", "/", "a=b", "example.com")
    assert_target("http://example.com/?a=b", "/", "/", "a=b", "example.com")
    assert_target("HTTP://Example.COM:/%41?", "/A", "/%41", "", "Example.COM:")
    assert_target("http://[2001:db8::1]:3000//x", "//x", "//x", nil, "[2001:db8::1]:3000")
    assert_target("http://[::ffff:1.2.3.4]/", "/", "/", nil, "[::ffff:1.2.3.4]")
    assert_target("http://127.0.0.1/http://a@b/", "/http://a@b/", "/http://a@b/", nil, "127.0.0.1")
  end)

  it("is a star, for the server itself", function() assert_target("*", "*", "*") end)

  it("has no bad escape in its path", function()
    local function reason(escape) return ("'%s' is a bad escape: two hex digits follow a %%"):format(escape) end
    assert_refused {
      ["/%"] = reason "%", ["/a%4"] = reason "%4", ["/%zz/b"] = reason "%zz", ["/%4g1"] = reason "%4g", ["/%%41"] = reason "%%4",
      ["/%41%"] = reason "%", ["/% 41"] = "the target has a byte that is to be escaped: %20", ["/%u0041"] = reason "%u0",
      ["http://a/%-1"] = reason "%-1", ["/%+1"] = reason "%+1", ["/%?a"] = reason "%",
    }
    assert_target("/a?%zz%", "/a", "/a", "%zz%")
  end)

  it("has no fragment", function()
    local reason = "a target has no fragment: # is to be escaped"
    assert_refused { ["/a#b"] = reason, ["/#"] = reason, ["#"] = reason, ["/a?b#c"] = reason, ["http://a#b"] = reason }
  end)

  it("has printable ASCII only", function()
    for byte in EVERY_BYTE:gmatch "[^\x21-\x7e]" do
      local reason = ("the target has a byte that is to be escaped: %%%02X"):format(byte:byte())
      assert_refused { ["/a" .. byte] = reason, [byte] = reason, ["/?" .. byte .. "b"] = reason, ["http://a" .. byte .. "/"] = reason }
    end
  end)

  it("begins with a slash or http://", function()
    local reason = "a target begins with / or http://"
    assert_refused {
      [""] = "the target is empty", ["example.com:80"] = reason, ["example.com"] = reason, ["a/b"] = reason, ["?a"] = reason,
      ["**"] = reason, ["*/"] = reason, ["*?a"] = reason, ["http:/a"] = reason, ["http:a"] = reason, ["://a"] = reason,
      ["1http://a/"] = reason, ["%2Fa"] = reason, ["[::1]:80"] = reason,
      ["ftp://a/"] = "a target with the scheme 'ftp' is not served here: http and https are",
      ["file:///etc/passwd"] = "a target with the scheme 'file' is not served here: http and https are",
    }
  end)

  it("with http:// names a host", function()
    local reason = "a target with http:// names a host, and maybe a port, before its path"
    local cases = {}
    for _, authority in ipairs { "", ":80", "a:b", "a:80:80", "a:-1", "a:80x", "[]", "[::1", "[::1]80", "[g]", "<a>", "a\\b", '"' } do
      cases["http://" .. authority .. "/a"] = reason
    end
    assert_refused(cases)
    local user = "a target names no user before its host"
    assert_refused { ["http://me@host/"] = user, ["http://me:secret@host/"] = user, ["http://@host"] = user }
  end)

  it("is looked at in the time of its length", function()
    for _, part in ipairs { "/", "%", "%41", "a", "1", "[", "?", "]:", "=", "&", ":" } do
      local text = part:rep(100000 // #part)
      for _, each in ipairs { text, "/" .. text, "http://" .. text, "http://[" .. text, "http://a:" .. text .. "x" } do
        quick(target.parse, each)
      end
      quick(target.segments, text)
      quick(target.query, text)
    end
  end)
end)

describe("segments", function()
  it("are what is between slashes, decoded", function()
    local cases = {
      ["/"] = { "" }, ["/a"] = { "a" }, ["/a/"] = { "a", "" }, ["/a/b"] = { "a", "b" }, ["//"] = { "", "" }, ["//a"] = { "", "a" },
      ["/a%2Fb/c%20d"] = { "a/b", "c d" }, ["/%2F"] = { "/" }, ["/../."] = { "..", "." }, ["/%2541"] = { "%41" }, ["/%zz"] = { "%zz" },
      ["/%00"] = { "\0" }, ["*"] = {},
    }
    for path, segments in pairs(cases) do assert.same(segments, target.segments(path), path) end
  end)
end)

describe("a query", function()
  it("is names and values in their order", function()
    local cases = {
      [""] = {}, ["&"] = {}, ["&&a=1&&"] = { { "a", "1" } }, ["a=1&b=2"] = { { "a", "1" }, { "b", "2" } },
      ["b=2&a=1&b=3"] = { { "b", "2" }, { "a", "1" }, { "b", "3" } }, ["a"] = { { "a", "" } }, ["a="] = { { "a", "" } },
      ["=a"] = { { "", "a" } }, ["="] = { { "", "" } }, ["a=b=c"] = { { "a", "b=c" } }, ["a;b=c"] = { { "a;b", "c" } },
      ["a/?b=c"] = { { "a/?b", "c" } },
    }
    for text, expected in pairs(cases) do assert.same(expected, target.query(text), text) end
    assert.same({}, target.query(nil))
  end)

  it("is decoded", function()
    local cases = {
      ["a+b=c+d"] = { { "a b", "c d" } }, ["a%2Bb=%20"] = { { "a+b", " " } }, ["a%26b=c%3Dd"] = { { "a&b", "c=d" } },
      ["a%3db"] = { { "a=b", "" } }, ["%00=%ff"] = { { "\0", "\xff" } }, ["a=%2541"] = { { "a", "%41" } },
      ["a=%2B+"] = { { "a", "+ " } },
    }
    for text, expected in pairs(cases) do assert.same(expected, target.query(text), text) end
  end)

  it("keeps bad escapes", function()
    assert.same({ { "%", "%zz" }, { "100%", "%4" } }, target.query "%=%zz&100%=%4")
    assert.same({ { "a", "%A" } }, target.query "a=%%41")
  end)
end)

describe("decoding", function()
  it("gives nothing for a bad escape", function()
    assert.equal("a b%", target.decode "a%20b%25")
    assert.equal("", target.decode "")
    assert.same({ n = 2, nil, "'%' is a bad escape: two hex digits follow a %" }, table.pack(target.decode "100%"))
  end)
end)

describe("encoding", function()
  it("escapes what is not unreserved", function()
    assert.equal("", target.encode "")
    assert.equal("AZaz09-._~", target.encode "AZaz09-._~")
    assert.equal("a%20b%2Fc%25%2B%3F%23", target.encode "a b/c%+?#")
    assert.equal("%00%0A%7F%C3%A9%FF", target.encode "\0\n\x7f\u{e9}\xff")
  end)

  it("keeps what it is told to", function()
    assert.equal("/a/b%20c/..", target.encode("/a/b c/..", "/"))
    assert.equal("]^-%25[%5C", target.encode("]^-%[\\", "^]["))
    assert.equal("a:@%2F", target.encode("a:@/", ":@"))
    assert.equal("%2F", target.encode("/", ""))
  end)

  it("is undone by decoding", function()
    for _, kept in ipairs { "", "/", "/:@!$&'()*+,;=" } do
      local text = target.encode(EVERY_BYTE, kept)
      assert.is_nil(text:find "[^\x21-\x7e]")
      assert.equal(EVERY_BYTE, target.decode(text))
      assert.equal("/" .. EVERY_BYTE, target.parse("/" .. text).path)
    end
    assert.same({ { EVERY_BYTE, EVERY_BYTE } }, target.query(target.encode(EVERY_BYTE) .. "=" .. target.encode(EVERY_BYTE)))
  end)
end)
