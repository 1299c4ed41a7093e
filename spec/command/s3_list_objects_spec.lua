---What ListObjects, ListObjectsV2 and ListObjectVersions answer.

local list_objects = require "filo.command.s3.list_objects"
local nodes = require "spec.support.nodes"
local s3 = require "spec.support.s3"
local target = require "filo.http.target"

describe("a list of objects", function()
  local net, node

  setup(function()
    net = nodes.net()
    node = net:start "a"
    for _, name in ipairs { "", "a b+c&<", "dir/x", "dir/y", "z\1\xff" } do nodes.stored(node:store("bucket/" .. name, name)) end
    for _ in node:keys() do end -- its catalogue is open from then on
  end)

  teardown(function() net:close() end)

  local function v1(query) return list_objects.v1(s3.call(node, s3.request(query), "bucket")) end
  local function v2(query) return list_objects.v2(s3.call(node, s3.request(query), "bucket")) end
  local function versions(query) return list_objects.versions(s3.call(node, s3.request(query), "bucket")) end

  it("tells name, time, tag, size and owner of each", function()
    local stat = node:stat "bucket/dir/x"
    local tree = s3.tree(v1 { prefix = "dir/x" })
    assert.equal("ListBucketResult", tree.name)
    local contents = s3.all(tree, "Contents")[1]
    assert.same({ "dir/x", "5", "STANDARD" }, { s3.value(contents, "Key"), s3.value(contents, "Size"), s3.value(contents, "StorageClass") })
    assert.equal(('"%032x-1"'):format(stat.version), s3.value(contents, "ETag"))
    local text = s3.value(contents, "LastModified")
    assert.equal(os.date("!%Y-%m-%dT%H:%M:%S", stat.version // 1000000) .. (".%03dZ"):format(stat.version // 1000 % 1000), text)
    local owner = s3.all(contents, "Owner")[1]
    assert.same({ node.id, node.id }, { s3.value(owner, "ID"), s3.value(owner, "DisplayName") })
  end)

  it("of the first version goes on after a marker, which it tells where there is a delimiter", function()
    local tree = s3.tree(v1 { delimiter = "/", ["max-keys"] = "2" })
    assert.same({ "bucket", "", "", "2", "/", "true" }, {
      s3.value(tree, "Name"), s3.value(tree, "Prefix"), s3.value(tree, "Marker"), s3.value(tree, "MaxKeys"), s3.value(tree, "Delimiter"),
      s3.value(tree, "IsTruncated"),
    })
    assert.same({ "a b+c&<" }, s3.values(tree, "Contents", "Key"))
    assert.same({ "dir/" }, s3.values(tree, "CommonPrefixes", "Prefix"))
    assert.equal("dir/", s3.value(tree, "NextMarker"))

    tree = s3.tree(v1 { delimiter = "/", marker = "dir/", ["encoding-type"] = "url" })
    assert.same({ "z%01%FF" }, s3.values(tree, "Contents", "Key"))
    assert.same({ "dir/", "false", "url" }, { s3.value(tree, "Marker"), s3.value(tree, "IsTruncated"), s3.value(tree, "EncodingType") })
    assert.same({}, s3.all(tree, "CommonPrefixes"))
    assert.is_nil(s3.value(tree, "NextMarker"))

    tree = s3.tree(v1 { ["max-keys"] = "1" })
    assert.same({ "true" }, { s3.value(tree, "IsTruncated"), s3.value(tree, "NextMarker") })
  end)

  it("of the second version goes on by tokens, and counts", function()
    local names, token, pages = {}, nil, 0
    repeat
      local tree = s3.tree(v2 { ["continuation-token"] = token, ["max-keys"] = "1", ["encoding-type"] = "url" })
      assert.same({ "1", "1", token }, { s3.value(tree, "KeyCount"), s3.value(tree, "MaxKeys"), s3.value(tree, "ContinuationToken") })
      assert.same({}, s3.values(tree, "Contents", "Owner"))
      names[#names + 1] = target.decode(s3.values(tree, "Contents", "Key")[1])
      token, pages = s3.value(tree, "NextContinuationToken"), pages + 1
      assert.equal(tostring(token ~= nil), s3.value(tree, "IsTruncated"))
    until not token
    assert.same({ "a b+c&<", "dir/x", "dir/y", "z\1\xff" }, names)

    local tree = s3.tree(v2 { ["start-after"] = "dir/x", ["fetch-owner"] = "true", ["max-keys"] = "1" })
    assert.same({ "dir/y" }, s3.values(tree, "Contents", "Key"))
    assert.same({ "dir/x", "1" }, { s3.value(tree, "StartAfter"), s3.value(tree, "KeyCount") })
    assert.equal(node.id, s3.value(s3.all(s3.all(tree, "Contents")[1], "Owner")[1], "ID"))
    token = s3.value(tree, "NextContinuationToken")
    tree = s3.tree(v2 { ["start-after"] = "dir/x", ["continuation-token"] = token, ["encoding-type"] = "url" })
    assert.same({ "z%01%FF" }, s3.values(tree, "Contents", "Key"))
  end)

  it("of versions has the newest of each object", function()
    local tree = s3.tree(versions { delimiter = "/", ["max-keys"] = "1" })
    assert.equal("ListVersionsResult", tree.name)
    local version = s3.all(tree, "Version")[1]
    assert.same({ "a b+c&<", "null", "true" },
      { s3.value(version, "Key"), s3.value(version, "VersionId"), s3.value(version, "IsLatest") })
    assert.same({ "a b+c&<", "null" }, { s3.value(tree, "NextKeyMarker"), s3.value(tree, "NextVersionIdMarker") })

    tree = s3.tree(versions {
      delimiter = "/", ["key-marker"] = "a b+c&<", ["version-id-marker"] = "null", ["max-keys"] = "1", ["encoding-type"] = "url",
    })
    assert.same({ "a%20b%2Bc%26%3C", "null" }, { s3.value(tree, "KeyMarker"), s3.value(tree, "VersionIdMarker") })
    assert.same({ "dir/" }, s3.values(tree, "CommonPrefixes", "Prefix"))
    assert.same({ "dir/" }, { s3.value(tree, "NextKeyMarker"), s3.value(tree, "NextVersionIdMarker") })
    assert.equal("InvalidArgument", (s3.refusal(versions { ["version-id-marker"] = "1" })))
  end)

  it("writes names as they are, or with escapes of URLs", function()
    local query = { prefix = "a b+", delimiter = "&<", ["start-after"] = "a ", ["encoding-type"] = "url" }
    local tree = s3.tree(v2(query))
    assert.same({ "a%20b%2B", "%26%3C", "a%20" }, { s3.value(tree, "Prefix"), s3.value(tree, "Delimiter"), s3.value(tree, "StartAfter") })
    assert.same({ "a%20b%2Bc%26%3C" }, s3.values(tree, "CommonPrefixes", "Prefix"))
    query["encoding-type"] = nil
    tree = s3.tree(v2(query))
    assert.same({ "a b+", "&<", "a " }, { s3.value(tree, "Prefix"), s3.value(tree, "Delimiter"), s3.value(tree, "StartAfter") })
    assert.matches("<Key>z&#x1;\u{fffd}</Key>", v1({}).body, 1, true)
  end)

  it("has as many entries as are asked for, a thousand at most", function()
    for given, most in pairs { [""] = "1000", ["0"] = "0", ["5"] = "5", ["1001"] = "1000", ["2147483647"] = "1000" } do
      assert.equal(most, s3.value(s3.tree(v2 { ["max-keys"] = given, ["encoding-type"] = "url" }), "MaxKeys"))
    end
    local tree = s3.tree(v2 { ["max-keys"] = "0" })
    assert.same({ "false", "0" }, { s3.value(tree, "IsTruncated"), s3.value(tree, "KeyCount") })
    for _, given in ipairs { "-1", "1.0", "x", "0x10", "2147483648", "99999999999999999999" } do
      for _, list in ipairs { v1, v2, versions } do
        assert.same({ "InvalidArgument", 400 }, { s3.refusal(list { ["max-keys"] = given }) })
      end
    end
  end)

  it("is not given for what makes no sense, nor of a bucket that is not there", function()
    for _, list in ipairs { v1, v2, versions } do
      assert.same({ "InvalidArgument", 400 }, { s3.refusal(list { ["encoding-type"] = "base64" }) })
    end
    assert.same({ "InvalidArgument", 400 }, { s3.refusal(v2 { ["continuation-token"] = "no token" }) })
    for _, bucket in ipairs { "none", "bucke", "..", "" } do
      for _, fn in ipairs { list_objects.v1, list_objects.v2, list_objects.versions } do
        assert.same({ "NoSuchBucket", 404 }, { s3.refusal(fn(s3.call(node, s3.request(), bucket))) })
      end
    end
    assert.same({}, s3.all(s3.tree(v2 { prefix = "none" }), "Contents"))
  end)
end)
