local bytes = require "filo.base.bytes"

describe("a number of bytes", function()
  it("is read as people write it", function()
    for text, number in pairs {
      ["0"] = 0, ["17"] = 17, ["17 B"] = 17, ["1KB"] = 1000, ["1 KiB"] = 1024, ["1.5 kib"] = 1536, ["100 GB"] = 100000000000,
      [" 2 TiB "] = 2 << 40, ["3 PB"] = 3000000000000000,
    } do
      assert.equal(number, bytes.read(text))
      assert.equal("integer", math.type(bytes.read(text)))
    end
    assert.equal(5, bytes.read(5))
    assert.equal(1000, bytes.read(1e3))
  end)

  it("is nothing else", function()
    for _, given in ipairs { "", "GB", "-1 GB", "1 G", "1 GB more", "1e3", "0x10", "1.2.3 MB", true, {}, 0 / 0, math.huge,
      "999999999 PB" } do
      assert.is_nil(bytes.read(given))
    end
  end)
end)
