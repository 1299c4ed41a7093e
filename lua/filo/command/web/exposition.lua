---Figures in the text format that Prometheus reads (version 0.0.4).

local exposition = {}

exposition.TYPE = "text/plain; version=0.0.4; charset=utf-8"

---@class filo.Metric
---@field name string
---@field kind "gauge"|"counter"|"histogram"
---@field help string  a sentence
---@field samples {labels?: {[1]: string, [2]: string}[], value: number|filo.Histogram}[]  a label: its name and value

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function number(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value ~= value then return "NaN" end
  if value == math.huge then return "+Inf" end
  if value == -math.huge then return "-Inf" end
  return ("%.14g"):format(value)
end

---@param labels? {[1]: string, [2]: string}[]
---@param last? string  one more, written already
local function braces(labels, last)
  local list = {}
  for i, label in ipairs(labels or {}) do list[i] = ('%s="%s"'):format(label[1], label[2]:gsub('[\\"\n]', ESCAPES)) end
  list[#list + 1] = last
  return list[1] and "{" .. table.concat(list, ",") .. "}" or ""
end

local function add_histogram(lines, name, sample)
  local histogram, below = sample.value, 0
  for i, count in ipairs(histogram.counts) do
    local bound = histogram.bounds[i]
    below = below + count
    local last = ('le="%s"'):format(bound and number(bound) or "+Inf")
    lines[#lines + 1] = ("%s_bucket%s %d"):format(name, braces(sample.labels, last), below)
  end
  lines[#lines + 1] = ("%s_sum%s %s"):format(name, braces(sample.labels), number(histogram.sum))
  lines[#lines + 1] = ("%s_count%s %d"):format(name, braces(sample.labels), below)
end

---@param metrics filo.Metric[]  those without samples are left out
---@return string
function exposition.text(metrics)
  local lines = {}
  for _, metric in ipairs(metrics) do
    if metric.samples[1] then
      lines[#lines + 1] = ("# HELP %s %s"):format(metric.name, metric.help)
      lines[#lines + 1] = ("# TYPE %s %s"):format(metric.name, metric.kind)
    end
    for _, sample in ipairs(metric.samples) do
      if metric.kind == "histogram" then
        add_histogram(lines, metric.name, sample)
      else
        lines[#lines + 1] = ("%s%s %s"):format(metric.name, braces(sample.labels), number(sample.value))
      end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return exposition
