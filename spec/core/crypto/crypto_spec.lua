local crypto = require "filo.core.crypto"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

local hex = crypto.hex

---Raw bytes of hexadecimal digits; spaces are for the eye.
local function raw(digits) return assert(crypto.unhex((digits:gsub("%s", "")))) end

---So many bytes: 0, 1 ... 250, 0, 1 ...
local function counted(size)
  local bytes = {}
  for i = 0, 250 do bytes[#bytes + 1] = string.char(i) end
  return table.concat(bytes):rep(size // 251 + 1):sub(1, size)
end

describe("digests", function()
  local vectors = {
    md5 = { -- RFC 1321 A.5
      [""] = "d41d8cd98f00b204e9800998ecf8427e",
      ["a"] = "0cc175b9c0f1b6a831c399e269772661",
      ["abc"] = "900150983cd24fb0d6963f7d28e17f72",
      ["message digest"] = "f96b697d7cb7938d525a2f31aaf161d0",
      ["abcdefghijklmnopqrstuvwxyz"] = "c3fcd3d76192e4007dfb496cca67e13b",
    },
    sha1 = { -- RFC 3174 7.3
      ["abc"] = "a9993e364706816aba3e25717850c26c9cd0d89d",
      ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"] = "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      [("a"):rep(1000000)] = "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    },
    sha256 = { -- RFC 6234 8.5
      ["abc"] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"] =
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      [("a"):rep(1000000)] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    blake3 = { -- test_vectors.json of its authors: byte i of the input is i mod 251
      [""] = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
      [counted(1)] = "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
      [counted(1024)] = "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
      [counted(1025)] = "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
      [counted(102400)] = "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
    },
  }

  for name, cases in pairs(vectors) do
    it("match the RFC's vectors: " .. name, function()
      for text, want in pairs(cases) do assert.equal(want, hex(crypto.digest(name, text))) end
    end)

    it("do not depend on how the data comes: " .. name, function()
      local text = ("abcdefghij"):rep(30)
      for step = 1, 70, 3 do
        local hasher <close> = crypto.hasher(name)
        for at = 1, #text, step do assert.equal(hasher, hasher:update(text:sub(at, at + step - 1))) end
        assert.equal(crypto.digest(name, text), hasher:finish())
      end
    end)
  end

  it("start anew after finish", function()
    local hasher <close> = crypto.hasher "sha256"
    hasher:update("something"):finish()
    assert.equal(crypto.digest("sha256", "abc"), hasher:update("abc"):finish())
    assert.equal(crypto.digest("sha256", ""), hasher:finish())
  end)

  it("refuse an unknown name and a closed hasher", function()
    assert.error_matches(function() crypto.digest("sha512", "") end, "md5, sha1, sha256 or blake3")
    assert.error_matches(function() crypto.hasher "whirlpool" end, "md5, sha1, sha256 or blake3")
    local hasher = crypto.hasher "md5"
    hasher:close()
    hasher:close()
    assert.error_matches(function() hasher:update "x" end, "closed")
  end)
end)

describe("HMAC-SHA-256", function()
  local cases = { -- RFC 4231 4.2 to 4.8; 4.6 is of a truncated output
    { ("\x0b"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { ("\xaa"):rep(20), ("\xdd"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    {
      raw "0102030405060708090a0b0c0d0e0f10111213141516171819",
      ("\xcd"):rep(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    },
    {
      ("\xaa"):rep(131),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    },
    {
      ("\xaa"):rep(131),
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        .. "hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    },
  }

  it("matches the vectors of RFC 4231", function()
    for _, case in ipairs(cases) do assert.equal(case[3], hex(crypto.hmac_sha256(case[1], case[2]))) end
  end)

  it("takes an empty key and empty data", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hex(crypto.hmac_sha256("", "")))
  end)
end)

describe("HKDF-SHA-256", function()
  it("matches the vectors of RFC 5869", function()
    local function counting(first, last)
      local bytes = {}
      for i = first, last do bytes[#bytes + 1] = string.char(i) end
      return table.concat(bytes)
    end
    assert.equal(
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
      hex(crypto.hkdf_sha256(("\x0b"):rep(22), counting(0, 12), counting(0xf0, 0xf9), 42))
    )
    assert.equal(
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
        .. "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
      hex(crypto.hkdf_sha256(counting(0, 0x4f), counting(0x60, 0xaf), counting(0xb0, 0xff), 82))
    )
    local without_salt = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert.equal(without_salt, hex(crypto.hkdf_sha256(("\x0b"):rep(22), nil, "", 42)))
    assert.equal(without_salt, hex(crypto.hkdf_sha256(("\x0b"):rep(22), "", "", 42)))
  end)

  it("gives 1 to 8160 bytes", function()
    assert.equal(8160, #crypto.hkdf_sha256("secret", nil, "", 8160))
    for _, len in ipairs { 0, -1, 8161, math.maxinteger } do
      assert.error_matches(function() crypto.hkdf_sha256("secret", nil, "", len) end, "1 to 8160 bytes")
    end
  end)
end)

describe("bytes", function()
  it("reads Base64, and nothing that is none", function()
    for bytes, text in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foobar = "Zm9vYmFy", ["\0\xff\xfe"] = "AP/+" } do
      assert.equal(bytes, crypto.unbase64(text))
    end
    for _, text in ipairs { "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-_", "Zm9v\0Zm9", "Zg=v" } do
      assert.is_nil(crypto.unbase64(text))
    end
  end)

  it("become hexadecimal digits and back", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local bytes = table.concat(all)
    assert.equal("000102", hex(bytes):sub(1, 6))
    assert.equal(bytes, crypto.unhex(hex(bytes)))
    assert.equal(bytes, crypto.unhex(hex(bytes):upper()))
    assert.equal("", crypto.unhex(hex ""))
    for _, bad in ipairs { "0", "0g", "g0", "00 0", "0\0", "zz" } do
      local nothing, err = crypto.unhex(bad)
      assert.is_nil(nothing)
      assert.equal("invalid", err.code)
    end
  end)

  it("compare equal only when they are", function()
    assert.is_true(crypto.equal("", ""))
    assert.is_true(crypto.equal("abc", "abc"))
    assert.is_false(crypto.equal("abc", "abd"))
    assert.is_false(crypto.equal("abc", "abcd"))
    assert.is_false(crypto.equal("abc", ""))
  end)

  it("are random", function()
    assert.equal("", crypto.random(0))
    assert.equal(100000, #crypto.random(100000))
    assert.not_equal(crypto.random(16), crypto.random(16))
    assert.error_matches(function() crypto.random(-1) end, "0 to 16777216")
    assert.error_matches(function() crypto.random(math.maxinteger) end, "0 to 16777216")
  end)
end)

describe("AES-256-CTR", function()
  -- NIST SP 800-38A F.5.5
  local key = raw "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
  local iv = raw "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
  local plain = raw [[6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                      30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710]]
  local sealed = raw [[601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
                       2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6]]

  it("matches NIST's vector", function()
    local ctr <close> = crypto.ctr(key, iv)
    assert.equal(sealed, ctr:crypt(plain))
    assert.equal(plain, ctr:seek(0):crypt(sealed))
  end)

  it("starts at every offset of it", function()
    for offset = 0, #plain do
      local ctr <close> = crypto.ctr(key, iv, offset)
      assert.equal(sealed:sub(offset + 1), ctr:crypt(plain:sub(offset + 1)))
    end
  end)

  ---What the openssl command makes of zeros: the key stream.
  local function openssl_stream(dir, counter, len)
    local zeros = dir:write("zeros", ("\0"):rep(len))
    local command = "openssl enc -aes-256-ctr -K %s -iv %s -in %s -out %s"
    assert(os.execute(command:format(hex(key), hex(counter), zeros, dir:file "stream")))
    return dir:read "stream"
  end

  it("agrees with the openssl command wherever it starts", function()
    local dir <close> = temp.folder()
    for _, counter in ipairs { iv, ("\xff"):rep(16), ("\0"):rep(16), crypto.random(16) } do
      local stream = openssl_stream(dir, counter, 20000)
      local ctr <close> = crypto.ctr(key, counter)
      for _ = 1, 100 do
        local offset = math.random(0, #stream)
        local len = math.random(0, #stream - offset)
        assert.equal(stream:sub(offset + 1, offset + len), ctr:seek(offset):crypt(("\0"):rep(len)))
      end
    end
  end)

  it("carries a far offset through the whole counter", function()
    local dir <close> = temp.folder()
    local block, byte = 0x0102030405060708, 5 -- of an offset near 2^60
    local stream = openssl_stream(dir, ("\0"):rep(8) .. (">I8"):pack(block >> 4), 64)
    local ctr <close> = crypto.ctr(key, ("\0"):rep(16), ((block >> 4) << 4) + byte)
    assert.equal(stream:sub(byte + 1), ctr:crypt(("\0"):rep(#stream - byte)))
  end)

  it("refuses wrong lengths, negative offsets and use after close", function()
    assert.error_matches(function() crypto.ctr("short", iv) end, "32 bytes expected, got 5")
    assert.error_matches(function() crypto.ctr(key, iv .. "x") end, "16 bytes expected, got 17")
    assert.error_matches(function() crypto.ctr(key, iv, -1) end, "0 or more")
    local ctr = crypto.ctr(key, iv)
    assert.error_matches(function() ctr:seek() end, "value expected")
    ctr:close()
    ctr:close()
    assert.error_matches(function() ctr:crypt "x" end, "closed")
  end)
end)

describe("AES-256-GCM", function()
  -- The GCM specification, test case 16
  local key = raw "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
  local nonce = raw "cafebabefacedbaddecaf888"
  local plain = raw [[d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                      1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39]]
  local ad = raw "feedfacedeadbeeffeedfacedeadbeefabaddad2"
  local text = raw [[522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662]]
  local tag = raw "76fc6ece0f4e1768cddf8853bb2d551b"

  it("opens the specification's vector", function()
    assert.equal(plain, crypto.aead_open(key, nonce .. text .. tag, ad))
  end)

  it("opens what it sealed, of any length, with and without associated data", function()
    for len = 0, 70 do
      local secret = crypto.random(len)
      assert.equal(secret, crypto.aead_open(key, crypto.aead_seal(key, secret, ad), ad))
      assert.equal(secret, crypto.aead_open(key, crypto.aead_seal(key, secret)))
    end
    assert.not_equal(crypto.aead_seal(key, "same"), crypto.aead_seal(key, "same"))
  end)

  it("notices every changed byte, every missing byte and other data or keys", function()
    local sealed = crypto.aead_seal(key, "the secret", ad)
    local function corrupt(...) refused("corrupt", crypto.aead_open(...)) end
    for at = 1, #sealed do
      local other = string.char(sealed:byte(at) ~ 1)
      corrupt(key, sealed:sub(1, at - 1) .. other .. sealed:sub(at + 1), ad)
      corrupt(key, sealed:sub(1, at - 1), ad)
    end
    corrupt(key, sealed .. "x", ad)
    corrupt(key, sealed, ad .. "x")
    corrupt(key, sealed)
    corrupt(crypto.random(32), sealed, ad)
    assert.error_matches(function() crypto.aead_open("short", sealed, ad) end, "32 bytes expected")
  end)
end)
