---Times as S3 writes them: ISO 8601 in UTC, with milliseconds.

---@param microseconds integer  since 1970: a version
---@return string  "2026-12-01T14:38:52.123Z"
return function(microseconds)
  local seconds, rest = microseconds // 1000000, microseconds % 1000000
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%03dZ"):format(rest // 1000)
end
