-- What a function finds beside Lua's own: errors by name, what its host does, messages of a source.
local null, array_mark, log, go_on, seed1, seed2, now = ...

local yield, error, setmetatable, getmetatable = coroutine.yield, error, setmetatable, getmetatable
local xpcall, tostring, type, traceback, sethook = xpcall, tostring, type, debug.traceback, debug.sethook
local compile, concat = load, table.concat

local function ask(request)
  local answer, name, message = yield(request)
  if name then error({ name = name, message = message }, 0) end
  return answer
end

_G.null = null
function array(items) return setmetatable(items or {}, array_mark) end
for _, name in ipairs({ "RetryError", "InvalidEventPayload", "ValidationError", "EventNotSupported", "DropEvent" }) do
  _G[name] = function(message) return { name = name, message = tostring(message or "") } end
end
function fetch(url, options)
  options = options or {}
  return ask({ op = "fetch", url = url, method = options.method, headers = options.headers, body = options.body })
end
function sleep(seconds) ask({ op = "sleep", seconds = seconds }) end
cache = {}
function cache.load(key, ttl, loader)
  local found = ask({ op = "cache_load", key = key })
  if found.hit then return found.value end
  local value = loader()
  ask({ op = "cache_store", key = key, ttl = ttl, value = value })
  return value
end
function cache.delete(key) ask({ op = "cache_delete", key = key }) end
function capability(name, argument) return ask({ op = "capability", name = name, argument = argument }) end
Segment = {}
for _, name in ipairs({ "identify", "track", "page", "screen", "group", "alias" }) do
  Segment[name] = function(message)
    message.type = name
    ask({ op = "send", message = message })
  end
end
function print(...)
  local parts = table.pack(...)
  for n = 1, parts.n do parts[n] = tostring(parts[n]) end
  log(concat(parts, " "))
end
math.randomseed(seed1, seed2)
os = { time = function() return now end }
io, require, package, dofile, loadfile, load, debug, collectgarbage = nil

local function told(problem)
  if type(problem) == "table" then
    return { name = tostring(problem.name), message = tostring(problem.message), stack = traceback("", 2) }
  end
  return { name = "Error", message = tostring(problem), stack = traceback("", 2) }
end

-- Given to the host: what loads the code, and what runs a handler in a coroutine.
local function load_code(code, file) return compile(code, "=" .. file, "t") end
local function run(handler, event, settings)
  local function look()
    if go_on() then return end
    sethook(look, "", 1) -- a pcall catches the error, but then the next instruction raises another
    error("stopped", 0)
  end
  sethook(look, "", 1000)
  local ok, result = xpcall(handler, told, event, settings)
  sethook()
  return { op = ok and "returned" or "threw", value = result }
end
local function is_array(value) return getmetatable(value) == array_mark end
return load_code, run, is_array
