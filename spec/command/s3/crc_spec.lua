---Checksums of content that comes in parts, from those of the parts.

local crc = require "filo.command.s3.crc"

describe("a CRC", function()
  it("is the one that is known", function()
    for name, digits in pairs { crc32 = "cbf43926", crc32c = "e3069283", crc64nvme = "ae8b14860a799888" } do
      local hex = crc.of(name, "123456789"):gsub(".", function(char) return ("%02x"):format(char:byte()) end)
      assert.equal(digits, hex)
    end
  end)

  it("of two texts follows from theirs, of any sizes in any order", function()
    local text = ("The quick brown fox jumps over the lazy dog. "):rep(20)
    for name in pairs { crc32 = true, crc32c = true, crc64nvme = true } do
      for _, at in ipairs { 1, 100, 1, 0, 899, 900, 100 } do
        local first, second = text:sub(1, at), text:sub(at + 1)
        assert.equal(crc.of(name, text), crc.combine(name, crc.of(name, first), crc.of(name, second), #second))
      end
    end
  end)
end)
