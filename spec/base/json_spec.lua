local json = require "filo.base.json"

describe("JSON", function()
  it("has exact integers, lists and objects", function()
    assert.equal('{"a":[],"b":{},"c":[1,{"x":true}],"d":1764039079123456,"e":1.5}',
      json.encode { e = 1.5, d = 1764039079123456, c = { 1, { x = true } }, b = json.object {}, a = {} })
  end)

  it("has fields in a stable order, with those first that matter", function()
    assert.equal('{"time":1,"level":2,"a":3,"b":4}', json.encode({ b = 4, a = 3, level = 2, time = 1 }, { "time", "level" }))
  end)

  it("has the bytes of a field's text that is not UTF-8, in hex", function()
    assert.equal([[{"key":"a\ufffd","key_hex":"61ff","n":1}]], json.encode { key = "a\xff", n = 1 })
  end)

  -- Of these the bytes were lost, and of several fields whose names looked alike all but one.
  it("has those of what is in a list, and of names of fields", function()
    assert.equal([=[{"list":["a",{"text":"\ufffd","text_hex":"fe"},[{"text":"b\ufffd","text_hex":"62ff"}]]}]=],
      json.encode { list = { "a", "\xfe", { "b\xff" } } })
    assert.equal([[{"names_hex":{"\ufffd\ufffd":"fe","\ufffd\ufffd\ufffd":"ff"},]]
      .. [["\ufffd":1,"\ufffd\ufffd":2,"\ufffd\ufffd\ufffd":"x\ufffd","\ufffd\ufffd\ufffd_hex":"78ff"}]],
      json.encode { ["\xff"] = "x\xff", ["\xfe"] = 2, ["\u{FFFD}"] = 1 })
  end)

  it("has an empty table as the object that it is marked to be", function()
    assert.equal('{"about":{},"list":[]}', json.encode(json.with_object({ about = {}, list = {} }, "about")))
    assert.equal('{"a":[1]}', json.encode(json.with_object({ a = { 1 } }, "a")))
    assert.equal('{}', json.encode(json.object(json.with_object({}, "about"))))
  end)

  it("is valid whatever a text holds", function()
    assert.equal('"a\u{FFFD}\u{FFFD}\u{E9}\u{FFFD}"', json.encode "a\xff\xfe\u{E9}\xc3":gsub("\\ufffd", "\u{FFFD}"))
    assert.equal('{"\\u0000\\n\\"":"\\u001b"}', json.encode { ['\0\n"'] = "\27" })
  end)
end)
