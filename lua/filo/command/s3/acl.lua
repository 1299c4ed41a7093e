---ACLs, as far as they go: who has a key that writes may let anybody read an object, or list a bucket, where node.lua allows it (`acls`).
---All else is the owner's. That is kept with the object, and of a bucket with the empty object that marks it.

local document = require "filo.command.s3.document"
local element = require "filo.command.s3.element"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local payload = require "filo.command.s3.payload"
local place = require "filo.command.s3.place"
local reading = require "filo.core.xml"

local OPEN = "public-read"

local PRIVATE = { ["private"] = true, ["bucket-owner-full-control"] = true, ["bucket-owner-read"] = true }

local acl = {}

---What the headers of a request ask for.
---@param call filo.s3.Call
---@param headers table<string, string>
---@return "public-read"|nil kept  nil: only who has a key
---@return table? failure
function acl.of(call, headers)
  local asked = headers["x-amz-acl"]
  for name in pairs(headers) do
    if name:find "^x%-amz%-grant%-" then return nil, failure.of "AccessControlListNotSupported" end
  end
  if not asked or PRIVATE[asked] then return nil end
  if asked == OPEN and call.options.acls then return OPEN end
  return nil, failure.of "AccessControlListNotSupported"
end

---Whether anybody may read an object, or list the bucket that it marks.
---@param node filo.Node
---@param name string
---@return boolean
function acl.is_open(node, name)
  local item = node:stat(name)
  return item ~= nil and metadata.kept(item).acl == OPEN
end

---Whether anybody may ask for what a request is about. Who may list a bucket is told that something is not there.
---@param call filo.s3.Call
---@return boolean
function acl.may_read(call)
  if acl.is_open(call.node, call.name) then return true end
  return call.key ~= nil and not call.node:stat(call.name) and acl.is_open(call.node, place.name(call.bucket))
end

---GetObjectAcl and GetBucketAcl.
---@param node filo.Node
---@param is_open boolean
---@return table answer
function acl.answer(node, is_open)
  local owner, kind = document.owner(node), 'Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="%s"'
  local grants = { { "Grant", { { kind:format "CanonicalUser", owner }, { "Permission", "FULL_CONTROL" } } } }
  local all = { { "URI", "http://acs.amazonaws.com/groups/global/AllUsers" } }
  if is_open then grants[2] = { "Grant", { { kind:format "Group", all }, { "Permission", "READ" } } } end
  return document.answer("AccessControlPolicy", { { "Owner", owner }, { "AccessControlList", grants } })
end

---Whether a document says that the owner may do all, and nobody else anything.
local function is_private(text, id)
  local root = reading.parse(text)
  if not root or root.name ~= "AccessControlPolicy" then return false end
  for _, list in ipairs(root) do
    for _, grant in ipairs(list.name == "AccessControlList" and list or {}) do
      local grantee, permission = element.child(grant, "Grantee"), element.child(grant, "Permission")
      local grantee_id = grantee and element.child(grantee, "ID")
      if not grantee_id or grantee_id.text ~= id or not permission or permission.text ~= "FULL_CONTROL" then return false end
    end
  end
  return true
end

---What PutObjectAcl and PutBucketAcl ask for.
---@param call filo.s3.Call
---@return "public-read"|nil kept
---@return table? failure
function acl.asked(call)
  local kept, problem = acl.of(call, call.request.headers)
  if problem or call.request.headers["x-amz-acl"] then return kept, problem end
  local text
  text, problem = payload.text(call)
  if problem then return nil, problem end
  if is_private(text, call.node.id) then return nil end
  return nil, failure.of "AccessControlListNotSupported"
end

return acl
