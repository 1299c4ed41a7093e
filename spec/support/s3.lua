---Functions of S3 asked without a server: requests for them, and their answers as trees.

local assert = require "luassert"
local xml = require "filo.core.xml"

local s3 = {}

---@param query? table<string, string>
---@param body? string
function s3.request(query, body)
  local given = { query = query or {}, path = "/path", headers = {} }
  function given.body()
    return { read = function() return body or "" end }
  end
  return given
end

---A request on its way to what carries it out.
---@return filo.s3.Call
function s3.call(node, request, bucket)
  return { node = node, request = request, query = request.query, bucket = bucket, promise = { word = "UNSIGNED-PAYLOAD" } }
end

---What is in an answer, which has to be one of success.
---@return filo.XmlElement
function s3.tree(answer)
  assert.equal(200, answer.status or 200, answer.body)
  assert.equal("application/xml", answer.headers["Content-Type"])
  return assert(xml.parse(answer.body))
end

---@return string code, integer status
function s3.refusal(answer)
  local tree = assert(xml.parse(answer.body))
  assert.equal("Error", tree.name)
  return s3.value(tree, "Code"), answer.status
end

---The elements with a name.
---@return filo.XmlElement[]
function s3.all(tree, name)
  local list = {}
  for _, child in ipairs(tree) do
    if child.name == name then list[#list + 1] = child end
  end
  return list
end

---The text of the only element with a name; nil: there is none.
---@return string?
function s3.value(tree, name)
  local list = s3.all(tree, name)
  assert.is_nil(list[2], "several elements " .. name)
  return list[1] and list[1].text
end

---The texts of what is called `inner` in each element called `outer`.
---@return string[]
function s3.values(tree, outer, inner)
  local list = {}
  for i, each in ipairs(s3.all(tree, outer)) do list[i] = s3.value(each, inner) end
  return list
end

return s3
