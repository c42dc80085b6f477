"""The changes of `lockgate.domain.claims` as Lua, one script for each, for Redis and its kin.

A script sees one instant and is not interrupted, so each is atomic. Every key it touches is
declared, and all of them share one hash tag, so that a cluster keeps them on one node:

    KEYS[1]  {lockgate}:cache:entries      hash: id → record as JSON
    KEYS[2]  {lockgate}:cache:by-use       sorted set: id by last use, in microseconds
    KEYS[3…5]  {lockgate}:cache:status:S   set of ids, one for each status S
    ARGV[1]  id of the record; further arguments beside each script

Large numbers travel as strings: the JSON of Lua keeps 14 digits, a time has 16.
"""

from __future__ import annotations

__all__ = ["CLAIM", "CLAIM_KEYS", "COUNTS", "KEYS", "LISTING", "SCRIPTS"]

_TAG = "{lockgate}:cache"
KEYS = (
    f"{_TAG}:entries",
    f"{_TAG}:by-use",
    f"{_TAG}:status:DOWNLOADING",
    f"{_TAG}:status:DOWNLOADED",
    f"{_TAG}:status:ERROR",
)

_SHARED = """
local id = ARGV[1]
local status_keys = {DOWNLOADING = KEYS[3], DOWNLOADED = KEYS[4], ERROR = KEYS[5]}

local types = {
  provider = 'string', model = 'string', revision = 'string', node = 'string',
  status = 'string', message = 'string', holder = 'string', created_us = 'string',
  last_used_us = 'string', fence = 'number', heartbeat = 'number', lease_s = 'number',
}

local function load()  -- nil for what is not there or cannot be read
  local raw = redis.call('HGET', KEYS[1], id)
  if not raw then return nil end
  local ok, record = pcall(cjson.decode, raw)
  if not ok or type(record) ~= 'table' then return nil end
  for field, expected in pairs(types) do
    if type(record[field]) ~= expected then return nil end
  end
  if not status_keys[record.status] then return nil end
  return record
end

local function tick()
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  if newest[2] and tonumber(newest[2]) >= now then now = tonumber(newest[2]) + 1 end
  return string.format('%.0f', now)
end

local function save(record)
  record.last_used_us = tick()
  if not record.created_us then record.created_us = record.last_used_us end
  redis.call('HSET', KEYS[1], id, cjson.encode(record))
  redis.call('ZADD', KEYS[2], record.last_used_us, id)
  for status, key in pairs(status_keys) do
    if status == record.status then redis.call('SADD', key, id)
    else redis.call('SREM', key, id) end
  end
end

local function remove()
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  for _, key in pairs(status_keys) do redis.call('SREM', key, id) end
end

local function own(record, holder, lease_s, message)
  record.status, record.holder, record.lease_s = 'DOWNLOADING', holder, lease_s
  record.fence, record.heartbeat, record.message = record.fence + 1, 0, message
  record.bytes_done, record.bytes_total = nil, nil
  save(record)
end

local function is_as_seen(record, status, holder, fence, heartbeat, created_us)
  return record.status == status and record.holder == holder
    and record.fence == tonumber(fence) and record.heartbeat == tonumber(heartbeat)
    and record.created_us == created_us
end

local function lost(record, holder, fence)
  if not record then return 'the record was deleted' end
  if record.holder ~= holder or record.fence ~= tonumber(fence) then
    local other = record.holder
    if other == '' then other = 'somebody' end
    return other .. ' has it now, fence ' .. string.format('%d', record.fence)
  end
  return nil
end
"""

# The change that everybody begins with, without the rest and without reading JSON. What is there
# already goes back as it is, for the caller to read.
# ARGV: id, a new record as JSON without times and without its closing brace → 1, or the record
CLAIM_KEYS = KEYS[:3]
CLAIM = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
if newest and tonumber(newest) >= now then now = tonumber(newest) + 1 end
now = string.format('%.0f', now)
local record = ARGV[2] .. ',"created_us":"' .. now .. '","last_used_us":"' .. now .. '"}'
if redis.call('HSETNX', KEYS[1], ARGV[1], record) == 0 then
  return redis.call('HGET', KEYS[1], ARGV[1])
end
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return 1
"""

# What a claim does to a record that its caller could not read: it goes, if it still cannot be.
_DELETE_UNREADABLE = "if not load() then remove() end"

# ARGV: id, holder, lease_s, message → 1 or 0
_RETRY = """
local record = load()
if not record then return 0 end
if record.status == 'ERROR' then own(record, ARGV[2], tonumber(ARGV[3]), ARGV[4]) end
if record.status == 'DOWNLOADING' and record.holder == ARGV[2] then return 1 end
return 0
"""

# ARGV: id, seen (status, holder, fence, heartbeat, created_us), holder, lease_s, message → fence, 0
_TAKE_OVER = """
local record = load()
if not record then return 0 end
if is_as_seen(record, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]) then
  own(record, ARGV[7], tonumber(ARGV[8]), ARGV[9])
end
if record.status == 'DOWNLOADING' and record.holder == ARGV[7] then return record.fence end
return 0
"""

# ARGV: id, a new record as JSON without times, status, message
_SET_STATUS = """
local record = load()
if not record then
  save(cjson.decode(ARGV[2]))
elseif record.status == 'DOWNLOADING' and ARGV[3] == 'DOWNLOADING' then
  record.heartbeat, record.message = record.heartbeat + 1, ARGV[4]
  save(record)
else
  local fresh = cjson.decode(ARGV[2])
  fresh.created_us, fresh.fence = record.created_us, record.fence + 1
  save(fresh)
end
"""

_TOUCH = """
local record = load()
if record then save(record) end
"""

_DELETE = "remove()"

# ARGV: id, seen → 1 when it is gone
_DELETE_AS_SEEN = """
local record = load()
if record and not is_as_seen(record, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]) then
  return 0
end
remove()
return 1
"""

# ARGV: id, holder, fence, bytes_done or '', bytes_total or '' → '' or why the claim is lost
_HEARTBEAT = """
local record = load()
local why = lost(record, ARGV[2], ARGV[3])
if why then return why end
if record.status ~= 'DOWNLOADING' then return 'it has ended as ' .. record.status end
record.heartbeat = record.heartbeat + 1
if ARGV[4] ~= '' then record.bytes_done, record.bytes_total = ARGV[4], ARGV[5] end
save(record)
return ''
"""

# ARGV: id, holder, fence, status, message → '' or why the claim is lost
_END = """
local record = load()
local why = lost(record, ARGV[2], ARGV[3])
if why then return why end
if record.status == ARGV[4] then return '' end
if record.status ~= 'DOWNLOADING' then return 'it has ended as ' .. record.status end
record.status, record.message = ARGV[4], ARGV[5]
save(record)
return ''
"""

SCRIPTS = {
    name: _SHARED + body
    for name, body in {
        "delete_unreadable": _DELETE_UNREADABLE,
        "retry": _RETRY,
        "take_over": _TAKE_OVER,
        "set_status": _SET_STATUS,
        "touch": _TOUCH,
        "delete": _DELETE,
        "delete_as_seen": _DELETE_AS_SEEN,
        "heartbeat": _HEARTBEAT,
        "end": _END,
    }.items()
}

# ARGV: offset, number of records or -1 → records as JSON, least recently used first
LISTING = """
local first, last = tonumber(ARGV[1]), -1
if tonumber(ARGV[2]) >= 0 then last = first + ARGV[2] - 1 end
local ids = redis.call('ZRANGE', KEYS[2], first, last)
local found = {}
for i = 1, #ids, 1000 do  -- unpack() has room for some thousands
  local part = {unpack(ids, i, math.min(i + 999, #ids))}
  for _, raw in ipairs(redis.call('HMGET', KEYS[1], unpack(part))) do
    found[#found + 1] = raw or ''
  end
end
return found
"""

COUNTS = """
return {redis.call('SCARD', KEYS[3]), redis.call('SCARD', KEYS[4]), redis.call('SCARD', KEYS[5])}
"""
