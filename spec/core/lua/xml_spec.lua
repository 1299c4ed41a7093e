local xml = require "filo.core.xml"

local MIB = 1024 * 1024

---Expects that a text is refused, with nil and an error that says why and in which line.
local function refused(text, why)
  local tree, err = xml.parse(text)
  assert.is_nil(tree)
  assert.equal("invalid", err.code)
  assert.matches("no valid XML: " .. why, err.message, 1, true)
end

describe("XML", function()
  it("is read into elements, their text and what is in them, without the prefixes of namespaces", function()
    local tree = xml.parse [==[<?xml version="1.0"?>
<s:Delete xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/" Quiet="no"><!-- none -->
<s:Quiet>true</s:Quiet><Object a="b"><Key>a&amp;b &lt;c&gt;&#x20AC;</Key></Object><Object><Key><![CDATA[<&>]]></Key></Object></s:Delete>
]==]
    assert.same({
      name = "Delete", text = "\n",
      { name = "Quiet", text = "true" },
      { name = "Object", text = "", { name = "Key", text = "a&b <c>\u{20ac}" } },
      { name = "Object", text = "", { name = "Key", text = "<&>" } },
    }, tree)
  end)

  it("keeps the text of an element together that others divide", function()
    assert.same({ name = "a", text = "123", { name = "b", text = "x" }, { name = "c", text = "", { name = "d", text = "y" } } },
      xml.parse "<a>1<b>x</b>2<c><d>y</d></c>3</a>")
    assert.same({ name = "a", text = "" }, xml.parse "<a/>")
  end)

  it("is read in the encodings that it says", function()
    assert.same({ name = "a", text = "\u{fc}" }, xml.parse '<?xml version="1.0" encoding="ISO-8859-1"?><a>\xfc</a>')
    assert.same({ name = "a", text = "b" }, xml.parse "\xff\xfe<\0a\0>\0b\0<\0/\0a\0>\0")
    refused('<?xml version="1.0" encoding="EBCDIC-37"?><a/>', "unknown encoding in line 1")
  end)

  it("is refused when it is not well-formed, with the line", function()
    refused("", "no element found in line 1")
    refused("text", "syntax error in line 1")
    refused("<a>\n<b>\n</a>", "mismatched tag in line 3")
    refused("<a>", "no element found in line 1")
    refused("<a/><b/>", "junk after document element in line 1")
    refused("<a>\xff</a>", "not well-formed (invalid token) in line 1")
    refused("<a>\0</a>", "not well-formed (invalid token) in line 1")
    refused("<a>&#x1;</a>", "reference to invalid character number in line 1")
    refused("<a>&b;</a>", "undefined entity in line 1")
  end)

  it("has no document types, and no entities of its own", function()
    refused('<?xml version="1.0"?>\n<!DOCTYPE a>\n<a/>', "a document type in line 2")
    refused('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "a document type in line 1")
    refused('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "a document type in line 1")
    local laughs = { '<!DOCTYPE a [<!ENTITY l0 "ha">' }
    for i = 1, 30 do laughs[#laughs + 1] = ('<!ENTITY l%d "&l%d;&l%d;">'):format(i, i - 1, i - 1) end
    refused(table.concat(laughs) .. "]><a>&l30;</a>", "a document type in line 1")
  end)

  it("is at most 16 deep", function()
    local function nested(depth) return ("<a>"):rep(depth) .. ("</a>"):rep(depth) end
    local tree, depth = xml.parse(nested(16)), 0
    while tree do tree, depth = tree[1], depth + 1 end
    assert.equal(16, depth)
    refused(nested(17), "elements more than 16 deep in line 1")
    refused(nested(100000), "elements more than 16 deep in line 1")
  end)

  it("has at most 65536 elements", function()
    local function flat(count) return "<a>" .. ("<b/>"):rep(count - 1) .. "</a>" end
    assert.equal(65535, #xml.parse(flat(65536)))
    refused(flat(65537), "more than 65536 elements in line 1")
  end)

  it("has at most 4 MiB", function()
    local function long(size) return "<a>" .. ("x"):rep(size - 7) .. "</a>" end
    assert.equal(4 * MIB - 7, #xml.parse(long(4 * MIB)).text)
    refused(long(4 * MIB + 1), "4194305 bytes, more than 4 MiB")
  end)

  it("is a text", function()
    assert.error_matches(function() xml.parse({}) end, "string expected")
  end)

  it("may be anything", function()
    local good = '<?xml version="1.0"?>\n<a b="c">\n<d>e&amp;f</d><g/><![CDATA[h]]><!--i--></a>'
    math.randomseed(7)
    for _ = 1, 5000 do
      local at, byte = math.random(#good), string.char(math.random(0, 255))
      local text = good:sub(1, at - 1) .. byte .. good:sub(at + math.random(0, 3))
      local tree, err = xml.parse(text)
      assert.is_true(tree and type(tree.name) == "string" or err.code == "invalid")
    end
    for i = 0, #good - 1 do assert.is_nil((xml.parse(good:sub(1, i)))) end
  end)
end)
