---Uploads in parts: what is made of them is what was named, once.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local http = require "spec.support.http"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

local KEEPS = 'policy = require("filo").policy.with({ keep_versions = 5 }, require("filo").policy.everywhere)'

local PART = ("0123456789abcdef"):rep(5 << 16) -- 5 MiB

local function md5(text) return crypto.hex(crypto.digest("md5", text)) end

---@param parts {[1]: integer, [2]: string}[]
local function document(parts)
  local list = {}
  for i, part in ipairs(parts) do
    list[i] = ("<Part><PartNumber>%d</PartNumber><ETag>&quot;%s&quot;</ETag></Part>"):format(part[1], part[2])
  end
  return "<CompleteMultipartUpload>" .. table.concat(list) .. "</CompleteMultipartUpload>"
end

describe("uploads in parts by S3", function()
  local server, client

  setup(function()
    server = s3_server.start(KEEPS)
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
  end)

  teardown(function() server:close() end)

  local function begin(key, headers, who)
    local answer = (who or client):ask("POST", "/bucket/" .. key .. "?uploads", { headers = headers })
    return assert(answer.body:match "<UploadId>(%x+)</UploadId>", answer.body)
  end

  local function put(key, id, number, body, headers)
    return client:ask("PUT", ("/bucket/%s?partNumber=%s&uploadId=%s"):format(key, number, id), { body = body, headers = headers })
  end

  local function complete(key, id, parts, headers)
    local body = type(parts) == "string" and parts or document(parts)
    return client:ask("POST", ("/bucket/%s?uploadId=%s"):format(key, id), { body = body, headers = headers })
  end

  local function absent(key) is(404, "NoSuchKey", client:ask("GET", "/bucket/" .. key)) end

  it("make one object of the parts that are named", function()
    local id = begin("a", { ["x-amz-meta-a"] = "b" })
    is(200, nil, put("a", id, 3, "ghi"))
    is(200, nil, put("a", id, 1, PART))
    is(200, nil, put("a", id, 2, "not named"))
    local answer = complete("a", id, { { 1, md5(PART) }, { 3, md5 "ghi" } })
    is(200, nil, answer)
    local got = client:ask("GET", "/bucket/a")
    assert.is_true(got.body == PART .. "ghi")
    local tag = md5(crypto.digest("md5", PART) .. crypto.digest("md5", "ghi")) .. "-2"
    assert.same({ '"' .. tag .. '"', "b" }, { got.headers.etag, got.headers["x-amz-meta-a"] })
    local again = complete("a", id, { { 1, md5(PART) }, { 3, md5 "ghi" } })
    assert.same({ 200, answer.body }, { again.status, again.body })
    is(404, "NoSuchUpload", complete("other", id, { { 1, md5(PART) }, { 3, md5 "ghi" } }))
    is(404, "NoSuchUpload", put("a", id, 4, "late"))
    assert.equal("ghi", client:ask("GET", "/bucket/a?partNumber=2").body)
  end)

  it("make nothing of what was not sent so", function()
    local id = begin("b", { ["x-amz-checksum-algorithm"] = "CRC32" })
    is(200, nil, put("b", id, 1, "abc"))
    is(200, nil, put("b", id, 2, PART))
    local one, two = { 1, md5 "abc" }, { 2, md5(PART) }
    is(400, "EntityTooSmall", complete("b", id, { one, two }))
    is(400, "InvalidPartOrder", complete("b", id, { two, one }))
    is(400, "InvalidPart", complete("b", id, { { 1, md5 "x" } }))
    is(400, "InvalidPart", complete("b", id, { { 3, md5 "abc" } }))
    is(400, "InvalidPart", complete("b", id, { { 1 << 40, md5 "abc" } }))
    for _, text in ipairs {
      "", "x", "<a/>", "<CompleteMultipartUpload/>", document({ one }):sub(1, -9), document { one } .. "<a/>", ("<a>"):rep(100000),
      "<!DOCTYPE a [<!ENTITY b 'c'>]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>",
      "<CompleteMultipartUpload>" .. ("<Part/>"):rep(100000) .. "</CompleteMultipartUpload>",
      "<CompleteMultipartUpload><Part><PartNumber>1e0</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
      ("x"):rep(3 << 20),
    } do
      is(400, "MalformedXML", complete("b", id, text))
    end
    is(400, "BadDigest", complete("b", id, { one }, { ["x-amz-checksum-crc32"] = "AAAAAA==" }))
    absent "b"
    is(204, nil, client:ask("DELETE", "/bucket/b?uploadId=" .. id))
    is(404, "NoSuchUpload", client:ask("DELETE", "/bucket/b?uploadId=" .. id))
    is(404, "NoSuchUpload", complete("b", id, { one }))
  end)

  it("take no parts of what was not promised", function()
    local id = begin "c"
    for _, number in ipairs { "0", "10001", "-1", "1.5", "x", "", "99999999999999999999" } do
      is(400, "InvalidArgument", put("c", id, number, "abc"))
    end
    is(400, "BadDigest", put("c", id, 1, "abc", { ["x-amz-checksum-crc32"] = "AAAAAA==" }))
    is(400, "BadDigest", put("c", id, 1, "abc", { ["Content-MD5"] = crypto.base64(crypto.digest("md5", "x")) }))
    local target = ("/bucket/c?partNumber=1&uploadId=%s"):format(id)
    is(400, "XAmzContentSHA256Mismatch", client:ask("PUT", target, { body = "abc", sent = "abd" }))
    assert.is_nil(client:ask("GET", "/bucket/c?uploadId=" .. id).body:find("<Part>", 1, true))
    for _, bad in ipairs {
      "", ".", "..", "%2e%2e%2f", "../../objects", ("0"):rep(32), ("z"):rep(32), id .. "0", id .. "%00", id .. "/upload",
    } do
      is(404, "NoSuchUpload", put("c", bad, 1, "abc"))
      is(404, "NoSuchUpload", client:ask("DELETE", "/bucket/c?uploadId=" .. bad))
    end
    is(404, "NoSuchUpload", put("d", id, 1, "abc"))
  end)

  it("are listed", function()
    local ids = {}
    for _, key in ipairs { "l/a/1", "l/a/2", "l/b/1", "l/c" } do ids[key] = begin(key) end
    local function list(query) return client:ask("GET", "/bucket?uploads&prefix=l/" .. query) end
    assert.equal(4, select(2, list("").body:gsub("<Upload>", "")))
    -- No upload, and where to go on after it: that failed by 500.
    is(200, nil, list "&max-uploads=0")
    is(400, "InvalidArgument", list "&max-uploads=x")
    -- What several have in common came once more on the next page.
    local found, marker, pages = {}, "", 0
    repeat
      local body = list("&delimiter=/&max-uploads=1" .. marker).body
      found[#found + 1] = body:match "</Delimiter>.*<Prefix>(l/.-)</Prefix></CommonPrefixes>" or body:match "<Key>(.-)</Key>"
      local key, id = body:match "<NextKeyMarker>(.-)<", body:match "<NextUploadIdMarker>(.-)<"
      marker = ("&key-marker=%s&upload-id-marker=%s"):format(key or "", id or "")
      pages = pages + 1
    until body:find("<IsTruncated>false", 1, true) or pages > 9
    assert.same({ "l/a/", "l/b/", "l/c" }, found)
    local id = ids["l/c"]
    for number = 1, 3 do is(200, nil, put("l/c", id, number, "x" .. number)) end
    local page = client:ask("GET", "/bucket/l/c?max-parts=2&uploadId=" .. id).body
    assert.equal("2", page:match "<NextPartNumberMarker>(%d+)<")
    page = client:ask("GET", "/bucket/l/c?max-parts=2&part-number-marker=2&uploadId=" .. id).body
    assert.equal("3", page:match "<Part><PartNumber>(%d+)<")
    for key, each in pairs(ids) do is(204, nil, client:ask("DELETE", "/bucket/" .. key .. "?uploadId=" .. each)) end
  end)

  it("leave nothing of what was given up", function()
    local id = begin "gone"
    is(200, nil, put("gone", id, 1, "abc"))
    is(204, nil, client:ask("DELETE", "/bucket/gone?uploadId=" .. id))
    assert.equal("", server.house:shell(("find a/uploads -path '*%s*' -type f"):format(id)))
  end)

  it("that are given up while a part comes take it no more", function()
    local id = begin "late"
    local target = ("/bucket/late?partNumber=1&uploadId=%s"):format(id)
    local headers = client:headers("PUT", target, { body = "abcdef" })
    headers["Content-Length"], headers.Host = 6, client.address
    local raw <close> = http.dial(client.address)
    raw:send(http.text("PUT", target, { headers = headers }) .. "abc")
    filo.sleep(0.05)
    is(204, nil, client:ask("DELETE", "/bucket/late?uploadId=" .. id))
    raw:send "def"
    assert.matches("NoSuchUpload", raw:answer("PUT").body)
    assert.equal("", server.house:shell(("find a/uploads -path '*%s*' -type f"):format(id)))
  end)

  it("are made once by two who finish them at once", function()
    local id = begin "twice"
    is(200, nil, put("twice", id, 1, PART))
    is(200, nil, put("twice", id, 2, "x"))
    local parts, answers = { { 1, md5(PART) }, { 2, md5 "x" } }, {}
    local function finish(i) return function() answers[i] = complete("twice", id, parts) end end
    filo.all { finish(1), finish(2), finish(3) }
    for _, answer in ipairs(answers) do is(200, nil, answer) end
    assert.is_true(client:ask("GET", "/bucket/twice").body == PART .. "x")
    assert.equal("", server.house:run("a", "versions", "--json", "bucket/twice").out) -- older ones
  end)

  -- A part that was sent again while all were read was read in the place of the one that was named.
  it("are made of what was named, though a part is sent again", function()
    for try = 1, 6 do
      local id, tags = begin "again", {}
      for number = 1, 4 do
        is(200, nil, put("again", id, number, PART))
        tags[number] = { number, md5(PART) }
      end
      local answer
      filo.all {
        function() answer = complete("again", id, tags) end,
        function()
          filo.sleep(try * 0.004)
          for number = 4, 2, -1 do put("again", id, number, "other") end
        end,
      }
      if answer.status == 200 then
        local got = client:ask("GET", "/bucket/again")
        assert.is_true(got.body == PART:rep(4), "mixed")
        client:ask("DELETE", "/bucket/again")
      else
        is(400, "InvalidPart", answer)
        absent "again"
      end
    end
  end)

  it("survive an end at any time", function()
    local own <close> = s3_server.start()
    local who = s3_client.new(own)
    is(200, nil, who:ask("PUT", "/bucket"))
    local id = begin("kept", nil, who)
    local target = "/bucket/kept?uploadId=" .. id
    is(200, nil, who:ask("PUT", target .. "&partNumber=1", { body = PART }))
    own.child:kill "KILL"
    own.child:wait()
    who.address = own.house:serve("a"):expect "serves S3 at http://([%d.:]+)/"
    is(200, nil, who:ask("PUT", target .. "&partNumber=2", { body = "x" }))
    is(200, nil, who:ask("POST", target, { body = document { { 1, md5(PART) }, { 2, md5 "x" } } }))
    assert.is_true(who:ask("GET", "/bucket/kept").body == PART .. "x")
  end)

  -- Some were refused by 412, with the path of the part in the root.
  it("take a part that several send at once", function()
    local id, works = begin "many", {}
    for i = 1, 20 do
      works[i] = function() is(200, nil, put("many", id, 1, "x" .. i)) end
    end
    filo.all(works)
    is(204, nil, client:ask("DELETE", "/bucket/many?uploadId=" .. id))
  end)

  it("make nothing in a bucket that is gone", function()
    is(200, nil, client:ask("PUT", "/soon-gone"))
    local id = client:ask("POST", "/soon-gone/a?uploads").body:match "<UploadId>(%x+)<"
    is(200, nil, client:ask("PUT", "/soon-gone/a?partNumber=1&uploadId=" .. id, { body = "abc" }))
    is(204, nil, client:ask("DELETE", "/soon-gone"))
    is(404, "NoSuchBucket", client:ask("POST", "/soon-gone/a?uploadId=" .. id, { body = document { { 1, md5 "abc" } } }))
    is(404, "NoSuchBucket", client:ask("GET", "/soon-gone"))
  end)

  it("go on when the keys of the node are changed", function()
    local id = begin "rotated"
    is(200, nil, put("rotated", id, 1, PART))
    assert.equal(0, server.house:run("a", "rotate").status)
    is(200, nil, put("rotated", id, 2, "x"))
    is(200, nil, complete("rotated", id, { { 1, md5(PART) }, { 2, md5 "x" } }))
    assert.is_true(client:ask("GET", "/bucket/rotated").body == PART .. "x")
  end)

  -- They stayed for ever.
  it("leave no parts when the process ends while they are dropped", function()
    local own <close> = s3_server.start()
    local who = s3_client.new(own)
    is(200, nil, who:ask("PUT", "/bucket"))
    local id, other = begin("kept", nil, who), begin("kept", nil, who)
    for _, each in ipairs { id, other } do is(200, nil, who:ask("PUT", "/bucket/kept?partNumber=1&uploadId=" .. each, { body = "x" })) end
    own.child:kill "KILL"
    own.child:wait()
    own.house:shell(("rm a/uploads/objects/*/%s/upload"):format(id))
    own.house:serve("a"):expect "serves S3 at"
    assert.equal("", own.house:shell(("find a/uploads -path '*%s*' -type f"):format(id)))
    assert.matches("00001", own.house:shell(("find a/uploads -path '*%s*' -type f"):format(other)))
  end)
end)
