---Requests on a condition, by S3.

local filo = require "filo"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

describe("conditions of S3", function()
  local server, client, tag

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
    tag = client:ask("PUT", "/bucket/a", { body = "abc" }).headers.etag
  end)

  teardown(function() server:close() end)

  local function ask(method, key, headers, body) return client:ask(method, "/bucket/" .. key, { headers = headers, body = body }) end

  it("decide what is given", function()
    local bare = tag:gsub('"', "")
    for _, value in ipairs { tag, bare, "*", '"x", ' .. tag } do
      assert.equal("abc", ask("GET", "a", { ["If-Match"] = value }).body)
      assert.equal(304, ask("GET", "a", { ["If-None-Match"] = value }).status)
    end
    is(412, "PreconditionFailed", ask("GET", "a", { ["If-Match"] = '"x"' }))
    assert.equal("abc", ask("GET", "a", { ["If-None-Match"] = '"x"' }).body)
    assert.equal(412, ask("HEAD", "a", { ["If-Unmodified-Since"] = "Sun, 01 Jan 2023 00:00:00 GMT" }).status)
    assert.equal(200, ask("HEAD", "a", { ["If-Unmodified-Since"] = "no date" }).status)
  end)

  it("decide what is stored and deleted", function()
    is(412, "PreconditionFailed", ask("PUT", "a", { ["If-None-Match"] = "*" }, "x"))
    is(412, "PreconditionFailed", ask("PUT", "a", { ["If-Match"] = '"x"' }, "x"))
    is(404, "NoSuchKey", ask("PUT", "none", { ["If-Match"] = tag }, "x"))
    is(412, "PreconditionFailed", ask("PUT", "a", { ["If-None-Match"] = tag }, "x"))
    is(412, "PreconditionFailed", ask("DELETE", "a", { ["If-Match"] = '"x"' }))
    is(501, "NotImplemented", ask("DELETE", "a", { ["If-None-Match"] = "*" }))
    assert.equal("abc", ask("GET", "a").body)
    is(404, "NoSuchKey", ask("GET", "none"))
    is(200, nil, ask("PUT", "a", { ["If-Match"] = tag }, "abc"))
    is(200, nil, ask("PUT", "a", { ["If-None-Match"] = '"x"' }, "abc"))
  end)

  it("let one of those win who create a key at once", function()
    local answers, works = {}, {}
    for i = 1, 8 do
      works[i] = function() answers[i] = ask("PUT", "race", { ["If-None-Match"] = "*" }, "by " .. i) end
    end
    filo.all(works)
    local won
    for i, answer in ipairs(answers) do
      if answer.status == 200 then
        assert.is_nil(won)
        won = i
      else
        is(412, "PreconditionFailed", answer)
      end
    end
    assert.equal("by " .. won, ask("GET", "race").body)
  end)

  it("let one of those win who change it at once", function()
    local works, count = {}, 0
    local before = ask("HEAD", "race").headers.etag
    for i = 1, 8 do
      works[i] = function()
        local answer = ask("PUT", "race", { ["If-Match"] = before }, "again by " .. i)
        if answer.status == 200 then count = count + 1 else is(412, "PreconditionFailed", answer) end
      end
    end
    filo.all(works)
    assert.equal(1, count)
  end)
end)
