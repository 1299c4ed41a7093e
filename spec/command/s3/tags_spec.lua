---Tags of objects, and what is deleted by lists, by S3.

local nodes = require "spec.support.nodes"
local s3 = require "spec.support.s3"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"
local tags = require "filo.command.s3.tags"

local is = s3_client.is

local function tagging(list)
  local text = {}
  for i, tag in ipairs(list) do text[i] = ("<Tag><Key>%s</Key><Value>%s</Value></Tag>"):format(tag[1], tag[2]) end
  return "<Tagging><TagSet>" .. table.concat(text) .. "</TagSet></Tagging>"
end

describe("documents of S3", function()
  local server, client

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
  end)

  teardown(function() server:close() end)

  it("set, give and remove tags", function()
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "abc", headers = { ["x-amz-tagging"] = "a=b%26&c=d" } }))
    assert.equal("2", client:ask("HEAD", "/bucket/a").headers["x-amz-tagging-count"])
    assert.matches("<Key>a</Key><Value>b&amp;</Value>", client:ask("GET", "/bucket/a?tagging").body, 1, true)
    is(200, nil, client:ask("PUT", "/bucket/a?tagging", { body = tagging { { "e", "f" } } }))
    assert.matches("<TagSet><Tag><Key>e</Key><Value>f</Value></Tag></TagSet>", client:ask("GET", "/bucket/a?tagging").body, 1, true)
    is(204, nil, client:ask("DELETE", "/bucket/a?tagging"))
    assert.is_nil(client:ask("HEAD", "/bucket/a").headers["x-amz-tagging-count"])
    assert.equal("abc", client:ask("GET", "/bucket/a").body)
  end)

  it("set no tags that are none", function()
    is(200, nil, client:ask("PUT", "/bucket/t", { body = "abc", headers = { ["x-amz-tagging"] = "a=b" } }))
    local eleven = {}
    for i = 1, 11 do eleven[i] = { "k" .. i, "v" } end
    is(400, "BadRequest", client:ask("PUT", "/bucket/t?tagging", { body = tagging(eleven) }))
    is(400, "InvalidTag", client:ask("PUT", "/bucket/t?tagging", { body = tagging { { "a", "b" }, { "a", "c" } } }))
    is(400, "InvalidTag", client:ask("PUT", "/bucket/t?tagging", { body = tagging { { ("a"):rep(129), "b" } } }))
    for _, text in ipairs { "", "x", "<Tagging/>", "<Tagging><TagSet><Tag/></TagSet></Tagging>" } do
      is(400, "MalformedXML", client:ask("PUT", "/bucket/t?tagging", { body = text }))
    end
    local digest = { ["Content-MD5"] = "AAAAAAAAAAAAAAAAAAAAAA==" }
    is(400, "BadDigest", client:ask("PUT", "/bucket/t?tagging", { body = tagging {}, headers = digest }))
    is(404, "NoSuchKey", client:ask("PUT", "/bucket/none?tagging", { body = tagging {} }))
    assert.matches("<Tag><Key>a</Key>", client:ask("GET", "/bucket/t?tagging").body, 1, true)
  end)

  it("delete what they name", function()
    for i = 1, 3 do is(200, nil, client:ask("PUT", "/bucket/d" .. i, { body = "x" })) end
    local function delete(body, headers) return client:ask("POST", "/bucket?delete", { body = body, headers = headers }) end
    for _, text in ipairs {
      "", "x", "<Delete/>", "<Delete><Object/></Delete>", "<Delete><Object><Key/></Object></Delete>",
      "<Delete>" .. ("<Object><Key>d1</Key></Object>"):rep(1001) .. "</Delete>",
    } do
      is(400, "MalformedXML", delete(text))
    end
    local body = "<Delete><Quiet>true</Quiet>" .. ("<Object><Key>d1</Key></Object><Object><Key>d2</Key></Object>"):rep(2) .. "</Delete>"
    is(400, "BadDigest", delete(body, { ["Content-MD5"] = "AAAAAAAAAAAAAAAAAAAAAA==" }))
    is(400, "BadDigest", delete(body, { ["x-amz-checksum-crc32"] = "AAAAAA==" }))
    is(200, nil, client:ask("HEAD", "/bucket/d1"))
    local answer = delete(body)
    is(200, nil, answer)
    assert.is_nil(answer.body:find("<Deleted>", 1, true))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/d1"))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/d2"))
    is(200, "InvalidArgument", delete("<Delete><Object><Key>" .. ("a"):rep(5000) .. "</Key></Object></Delete>"))
    is(200, "NotImplemented", delete "<Delete><Object><Key>d3</Key><VersionId>1</VersionId></Object></Delete>")
    is(200, nil, client:ask("HEAD", "/bucket/d3"))
    is(404, "NoSuchBucket", client:ask("POST", "/none?delete", { body = body }))
    is(409, "BucketNotEmpty", client:ask("DELETE", "/bucket"))
  end)
end)

describe("tags of S3", function()
  -- What belonged to the old content was put beside the new one, when that came just then.
  it("are set beside the content that is there", function()
    local net <close> = nodes.net()
    local node, others = net:start "a", 0
    nodes.stored(node:store("bucket/a", "old", { fields = { ["content-type"] = "text/old" } }))
    node:on("before_store", function()
      others = others + 1
      if others == 1 then nodes.stored(node:store("bucket/a", "new", { fields = { ["content-type"] = "text/new" } })) end
    end)
    local call = s3.call(node, s3.request { tagging = "" }, "bucket")
    call.name = "bucket/a"
    assert.equal(204, tags.delete(call))
    local item = node:stat "bucket/a"
    assert.same({ "text/new", 3 }, { item.fields["content-type"], item.size })
  end)
end)
