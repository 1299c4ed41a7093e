---Buckets of S3, which are what begins with their name in a node.

local buckets = require "filo.command.s3.buckets"
local nodes = require "spec.support.nodes"
local s3 = require "spec.support.s3"
local settings = require "filo.command.s3.settings"

---@param prefix? string  of the key that asks
---@param query? table<string, string>
local function names(node, prefix, query)
  local tree = s3.tree(buckets.list { node = node, query = query or {}, who = { prefix = prefix or "" } })
  return s3.values(s3.all(tree, "Buckets")[1], "Bucket", "Name"), s3.value(tree, "ContinuationToken")
end

describe("a bucket", function()
  it("is made, is there, and is deleted when it is empty", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    local request = s3.request()
    assert.same({ "NoSuchBucket", 404 }, { s3.refusal(buckets.head(s3.call(node, request, "photos"))) })
    local answer = buckets.create(s3.call(node, request, "photos"))
    assert.same({ 200, "/photos" }, { answer.status, answer.headers.Location })
    assert.equal(200, buckets.head(s3.call(node, request, "photos")).status)
    local version = node:stat("photos/").version
    assert.equal(200, buckets.create(s3.call(node, request, "photos")).status) -- one's own, again
    assert.equal(version, node:stat("photos/").version)

    nodes.stored(node:store("photos/a", "x"))
    assert.same({ "BucketNotEmpty", 409 }, { s3.refusal(buckets.delete(s3.call(node, request, "photos"))) })
    assert(node:delete "photos/a")
    assert.equal(204, buckets.delete(s3.call(node, request, "photos")).status)
    assert.is_false(node:has "photos/")
    assert.same({ "NoSuchBucket", 404 }, { s3.refusal(buckets.delete(s3.call(node, request, "photos"))) })
    assert.same({ "NoSuchBucket", 404 }, { s3.refusal(buckets.head(s3.call(node, request, "photos"))) })
    assert.same({}, (names(node)))
  end)

  it("is there, too, while anything begins with its name", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    nodes.stored(node:store("photos/a", "x"))
    assert.equal(200, buckets.head(s3.call(node, s3.request(), "photos")).status)
    assert.same({ "photos" }, (names(node)))
    assert.equal(200, buckets.create(s3.call(node, s3.request(), "photos")).status)
    assert.is_true(node:has "photos/")
    assert(node:delete "photos/a")
    assert.same({ "photos" }, (names(node)))
  end)

  it("tells that it is in the region that is the default, and that nobody has asked for versions", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    buckets.create(s3.call(node, s3.request(), "photos"))
    assert.same({ name = "LocationConstraint", text = "" }, s3.tree(buckets.location(s3.call(node, s3.request(), "photos"))))
    local versioning = settings.of_buckets.versioning
    assert.same({ name = "VersioningConfiguration", text = "" }, s3.tree(versioning(s3.call(node, s3.request(), "photos"))))
    for _, fn in ipairs { buckets.location, versioning } do
      assert.same({ "NoSuchBucket", 404 }, { s3.refusal(fn(s3.call(node, s3.request(), "none"))) })
    end
  end)

  it("is made wherever it is asked to be, and not of what is no such question", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    local body = '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1'
      .. "</LocationConstraint></CreateBucketConfiguration>"
    assert.equal(200, buckets.create(s3.call(node, s3.request({}, body), "photos")).status)
    assert.equal(200, buckets.create(s3.call(node, s3.request({}, ""), "films")).status)
    for _, other in ipairs { "x", "<Delete/>", body:sub(1, -2) } do
      assert.same({ "MalformedXML", 400 }, { s3.refusal(buckets.create(s3.call(node, s3.request({}, other), "music"))) })
    end
    assert.same({ "films", "photos" }, (names(node)))
  end)

  it("is called as S3 allows", function()
    for _, name in ipairs { "abc", "a-b", "a.b-c", "123", "0.a", "1.2.3", "1.2.3.4.5", ("a"):rep(63) } do
      assert.is_true(buckets.is_name(name), name)
    end
    for _, name in ipairs {
      "", "ab", ("a"):rep(64), "Abc", "a_b", "a..b", ".ab", "ab.", "-ab", "ab-", "127.0.0.1", "a/b", "a b", "abc\n", "ab\u{fc}", "ab\0c",
    } do
      assert.is_false(buckets.is_name(name), name)
    end
    local net <close> = nodes.net()
    local node = net:start "a"
    nodes.stored(node:store("Photos/a", "x"))
    assert.same({ "InvalidBucketName", 400 }, { s3.refusal(buckets.create(s3.call(node, s3.request(), "Photos"))) })
    assert.same({ "NoSuchBucket", 404 }, { s3.refusal(buckets.head(s3.call(node, s3.request(), "Photos"))) })
  end)
end)

describe("a list of buckets", function()
  it("has those that a key may see, by their names, with the time of each", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    for _, key in ipairs {
      "photos-old/x", "photos/a/b", "photos/c", "music", "films/", "Other/x", "ab/x", "\xff\xff\xff/x", "zzz/" .. ("y"):rep(100),
    } do
      nodes.stored(node:store(key, ""))
    end
    for i = 1, 50 do nodes.stored(node:store(("photos/%d"):format(i), "")) end
    assert.same({ "films", "photos", "photos-old", "zzz" }, (names(node)))
    assert.same({ "photos", "photos-old" }, (names(node, "photos")))
    assert.same({ "photos", "photos-old" }, (names(node, "pho")))
    assert.same({ "photos" }, (names(node, "photos/")))
    assert.same({ "photos" }, (names(node, "photos/c/and/more")))
    local first, token = names(node, "", { ["max-buckets"] = "3" })
    assert.same({ "films", "photos", "photos-old" }, first)
    assert.same({ { "zzz" } }, { names(node, "", { ["max-buckets"] = "3", ["continuation-token"] = token }) })
    assert.same({ "photos", "photos-old" }, (names(node, "", { prefix = "pho" })))
    for _, bad in ipairs { { ["max-buckets"] = "0" }, { ["max-buckets"] = "x" }, { ["continuation-token"] = "no token" } } do
      assert.equal("InvalidArgument", (s3.refusal(buckets.list { node = node, query = bad, who = { prefix = "" } })))
    end
    assert.same({}, (names(node, "none")))
    assert.same({}, (names(node, "none/")))
    assert.same({}, (names(node, "Other/")))
    local tree = s3.tree(buckets.list { node = node, query = {}, who = { prefix = "films" } })
    assert.equal(node.id, s3.value(s3.all(tree, "Owner")[1], "ID"))
    local made = node:stat("films/").version // 1000
    assert.same({ os.date("!%Y-%m-%dT%H:%M:%S", made // 1000) .. (".%03dZ"):format(made % 1000) },
      s3.values(s3.all(tree, "Buckets")[1], "Bucket", "CreationDate"))
  end)
end)
