---What a request brings: bytes that go into the store past Lua, and what was promised of them, which is checked when they are there.

local body = require "filo.http.body"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local failure = require "filo.command.s3.failure"
local sums = require "filo.command.s3.sums"

---Bytes of content up to which its MD5 is made, which some clients compare with the ETag: it takes longer than all else.
local MD5_MOST = 16 << 20

---Bytes of a document.
local TEXT_MOST = 2 << 20

---@class filo.s3.Payload
---@field body filo.http.Body
---@field length? integer  bytes of content, where that is known
---@field digests string[]  those that are made of it
---@field promised table<string, string>  raw, by their names
---@field in_trailer? string  the name of the checksum that comes after it
---@field sum? string  the name of the one that is kept with the object
local Payload = {}
Payload.__index = Payload

local payload = {}

local function integer_of(text) return #(text or "") < 19 and math.tointeger(tonumber((text or ""):match "^%d+$")) or nil end

---@return integer? length
---@return table? failure
local function length_of(request, is_streamed)
  if is_streamed then
    local length = integer_of(request.headers["x-amz-decoded-content-length"])
    return length, not length and failure.of("MissingContentLength", "x-amz-decoded-content-length is missing") or nil
  end
  return request.length
end

---@return table? failure
local function take_md5(self, headers)
  local text = headers["content-md5"]
  if not text then return nil end
  self.promised.md5 = crypto.unbase64(text)
  if not self.promised.md5 or #self.promised.md5 ~= 16 then return failure.of "InvalidDigest" end
  return nil
end

local function is_sum(name) return sums.SIZES[name] ~= nil end

---The checksum that a header has, or says that a trailer will.
---@return table? failure
local function take_sum(self, headers)
  for name, size in pairs(sums.SIZES) do
    local text = headers["x-amz-checksum-" .. name]
    local raw = text and crypto.unbase64(text)
    if text and (not raw or #raw ~= size) then
      return failure.of("InvalidRequest", ("Value for x-amz-checksum-%s header is invalid."):format(name))
    end
    if text and self.sum then return failure.of("InvalidRequest", "Expecting a single x-amz-checksum- header") end
    if text then self.sum, self.promised[name] = name, raw end
  end
  local trailer = (headers["x-amz-trailer"] or ""):lower():match "^%s*x%-amz%-checksum%-(%w+)%s*$"
  if headers["x-amz-trailer"] and not is_sum(trailer) then return failure.of("InvalidRequest", "x-amz-trailer names no known checksum") end
  if trailer then self.sum, self.in_trailer = trailer, trailer end
  local asked = (headers["x-amz-sdk-checksum-algorithm"] or ""):lower()
  if not self.sum and is_sum(asked) then self.sum = asked end
  return nil
end

---How the body is looked at on its way.
local function plan_of(self, call)
  local promise, names, seen = call.promise, {}, {}
  local function add(name)
    if name and not seen[name] then names[#names + 1] = name end
    if name then seen[name] = true end
  end
  add((self.promised.md5 or self.makes_md5) and "md5")
  add(self.word and "sha256")
  add(self.sum)
  local is_signed = promise.word:find("^STREAMING%-AWS4%-HMAC%-SHA256") ~= nil
  local claim = is_signed and promise.claim or nil
  return {
    length = self.length, chunked = self.is_streamed, digests = names, trailer_signed = is_signed and self.in_trailer ~= nil or nil,
    key = claim and promise.key, date = claim and claim.time, scope = claim and claim.scope, seed = claim and claim.signature,
  }
end

---What the headers say of the body.
---@return filo.s3.Payload?
---@return table? failure
local function announced(call)
  local request, word = call.request, call.promise.word
  local self = setmetatable({ promised = {}, is_streamed = word:find "^STREAMING%-" ~= nil }, Payload)
  local problem
  self.length, problem = length_of(request, self.is_streamed)
  problem = problem or take_md5(self, request.headers)
  if problem then return nil, problem end
  self.word = #word == 64 and word:lower() or nil
  return self
end

---@return filo.s3.Payload?
---@return table? failure
local function begin(self, call)
  local plan = plan_of(self, call)
  self.body, self.sifted = call.request:body(), plan.chunked or plan.digests[1] ~= nil
  if not self.sifted then return self end
  local ok, err = body.sift(self.body, plan)
  if not ok then return nil, payload.failure(err) end
  return self
end

---@param call filo.s3.Call
---@param sum? string  the checksum that is made of it where the request names none
---@return filo.s3.Payload?
---@return table? failure
function payload.of(call, sum)
  local self, problem = announced(call)
  local request = call.request
  if self and not self.length and not request.chunked then return nil, failure.of "MissingContentLength" end
  problem = problem or take_sum(self, request.headers)
  if not self or problem then return nil, problem end
  self.sum, self.makes_md5 = self.sum or sum, (self.length or 0) <= MD5_MOST
  return begin(self, call)
end

---@return string? problem
local function take_trailer(self)
  if not self.in_trailer then return nil end
  local text = body.trailers(self.body)["x-amz-checksum-" .. self.in_trailer]
  self.promised[self.in_trailer] = text and crypto.unbase64(text)
  if not self.promised[self.in_trailer] then return "InvalidRequest" end
  return nil
end

---All of it has come: whether it is what was promised.
---@return string? code  of what S3 answers where it is not
function Payload:check()
  self.made = self.sifted and body.digests(self.body) or {}
  local problem = take_trailer(self)
  if problem then return problem end
  if self.word and crypto.hex(self.made.sha256) ~= self.word then return "XAmzContentSHA256Mismatch" end
  for name, raw in pairs(self.promised) do
    if self.made[name] ~= raw then return "BadDigest" end
  end
  return nil
end

---Its ETag, once it was checked.
---@return string
function Payload:etag()
  if self.made.md5 then return crypto.hex(self.made.md5) end
  return crypto.hex(self.made.sha256 or crypto.random(16)):sub(1, 32) .. "-1"
end

---The checksum that is kept with the object.
---@return table<string, string>?
function Payload:sums() return self.sum and { [self.sum] = self.made[self.sum] } or nil end

---What a check says, as a failure of Filo's, for what takes the content.
local REFUSED = "s3"

---For `describe` of node:store, which this refuses: `payload.failure` knows it again.
---@param code string
---@return nil, filo.Error
function payload.refuse(code) return nil, errors.new("invalid", "what came is not what was promised", { [REFUSED] = code }) end

---The answer for a failure of what took the content.
---@param err filo.Error
---@return table
function payload.failure(err)
  if err[REFUSED] then return failure.of(err[REFUSED]) end
  if err.code == "denied" and err.message:find " of the body [^']*$" then return failure.of "SignatureDoesNotMatch" end
  if err.code == "not_enough_copies" then return failure.of("ServiceUnavailable", errors.text(err)) end
  return failure.from(err)
end

---All of a document.
---@param call filo.s3.Call
---@param of_object? boolean  a checksum in its headers is of what it is about, and is not looked at
---@return string?
---@return table? failure
function payload.text(call, of_object)
  local self, problem = announced(call)
  if self and not of_object then problem = take_sum(self, call.request.headers) end
  if problem then return nil, problem end
  if self then self, problem = begin(self, call) end
  if not self then return nil, problem end
  local text, err = self.body:read("a", TEXT_MOST)
  if not text then return nil, err.code == "too_large" and failure.of "MalformedXML" or payload.failure(err) end
  local code = self:check()
  if code then return nil, failure.of(code) end
  return text
end

return payload
