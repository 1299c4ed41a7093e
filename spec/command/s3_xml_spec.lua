local failure = require "filo.command.s3.failure"
local xml = require "filo.command.s3.xml"

local HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

describe("XML that S3 answers", function()
  it("has elements in their order, below a root with the namespace", function()
    local text = xml.document("List", {
      { "Name", "b" }, { "Count", 12 }, { "Prefix", "" }, { "Marker" }, { "Truncated", false },
      { "Contents", { { "Key", "a" }, { "Owner", { { "ID", "x" } } } } }, { "Contents", {} },
    })
    assert.equal(HEAD .. '<List xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Count>12</Count><Prefix></Prefix><Marker/>'
      .. "<Truncated>false</Truncated><Contents><Key>a</Key><Owner><ID>x</ID></Owner></Contents><Contents></Contents></List>", text)
  end)

  it("has no namespace when it is an error, and attributes where they are asked for", function()
    assert.equal(HEAD .. '<Error><A b="c">x</A></Error>', xml.bare("Error", { { 'A b="c"', "x" } }))
    assert.equal(HEAD .. '<Error><A b="c"><B/></A></Error>', xml.bare("Error", { { 'A b="c"', { { "B" } } } }))
  end)

  it("says every text so that it is read back, or as S3 does what XML cannot say", function()
    for text, written in pairs {
      ["a/b c.d_e=f:g+h-i"] = "a/b c.d_e=f:g+h-i", ["a&b<c>d\"e'f"] = "a&amp;b&lt;c&gt;d&quot;e'f", ["ü\u{1f600}"] = "ü\u{1f600}",
      ["\r\n\t"] = "&#xD;&#xA;&#x9;", ["\1\0\127"] = "&#x1;&#x0;&#x7F;", ["\u{fffe}\u{ffff}\u{fffd}"] = "&#xFFFE;&#xFFFF;\u{fffd}",
      ["\xff"] = "\u{fffd}", ["a\xc3&\xe2\x82"] = "a\u{fffd}&amp;\u{fffd}\u{fffd}", ["\xed\xa0\x80"] = "\u{fffd}\u{fffd}\u{fffd}",
      [""] = "",
    } do
      assert.equal(written, xml.escape(text))
    end
  end)
end)

describe("a failure of S3", function()
  it("has a status, a code, a sentence and an ID", function()
    local answer = failure.of("NoSuchKey", nil, "/b/a&b")
    assert.equal(404, answer.status)
    assert.equal("application/xml", answer.headers["Content-Type"])
    local id = answer.headers["x-amz-request-id"]
    assert.matches("^%x+$", id)
    assert.equal(HEAD .. "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
      .. ("<Resource>/b/a&amp;b</Resource><RequestId>%s</RequestId></Error>"):format(id), answer.body)
    assert.matches("<Message>so</Message><Resource></Resource>", failure.of("InvalidArgument", "so").body, 1, true)
    assert.not_equal(id, failure.of("NoSuchKey").headers["x-amz-request-id"])
  end)

  it("has no body where HTTP has none, and says when to come again", function()
    assert.same({ 304 }, { failure.of("NotModified").status, failure.of("NotModified").body })
    assert.same({ 503, "5" }, { failure.of("SlowDown").status, failure.of("SlowDown").headers["Retry-After"] })
  end)

  it("is made of one of Filo's", function()
    local errors = require "filo.base.errors"
    for code, expected in pairs {
      not_found = "NoSuchKey", invalid = "InvalidArgument", too_large = "EntityTooLarge", busy = "ServiceUnavailable",
      not_enough_copies = "ServiceUnavailable",
    } do
      local answer = failure.from(errors.new(code, "that <is> why"))
      assert.matches(("<Code>%s</Code><Message>that &lt;is&gt; why</Message>"):format(expected), answer.body, 1, true)
    end
  end)

  it("says nothing of where there is no room", function()
    local answer = failure.from(require("filo.base.errors").new("no_space", "no room in /root"))
    assert.matches("<Code>ServiceUnavailable</Code><Message>there is no room for it</Message>", answer.body, 1, true)
  end)

  it("is not made of one of the server's own, which is for its log", function()
    local err = require("filo.base.errors").new("io", "the folder /root/objects cannot be read")
    assert.equal(err, select(2, pcall(failure.from, err)))
  end)

  it("has a code that is known", function()
    assert.has_error(function() failure.of "NoSuchThing" end, "no code of S3: 'NoSuchThing'")
  end)
end)
