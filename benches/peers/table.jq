# The results of run.sh as two tables: figures (means over the passes), and their ratio to socketioxide.
def figure: {
  idle: "bytes_per_conn", echo1: "cpu_us_per_event", echo16: "cpu_us_per_event",
  paced: "cpu_us_per_delivery", flood: "cpu_us_per_delivery"}[.mode] as $name | .[$name];
def mean: if length == 0 then null else add / length end;
def show: if . == null then "-" elif . >= 1000 then (. | round | tostring) else (. * 100 | round / 100 | tostring) end;
def pad($n): . + (" " * ([0, $n - length] | max));
. as $all
| ["idle", "cpu", "echo1", "echo16", "paced", "flood"] as $columns
| [$all[].peer] | unique as $peers
| (reduce $peers[] as $peer ({}; .[$peer] = (reduce $columns[] as $column ({}; .[$column] = (
    if $column == "cpu" then [$all[] | select(.peer == $peer and .mode == "idle") | .cpu_us_per_conn]
    else [$all[] | select(.peer == $peer and .mode == $column) | figure] end | mean))))) as $table
| ("peer" | pad(14)) + ([("idle B/conn", "CPU us/conn", "echo d1 us", "echo d16 us", "paced us", "flood us") | pad(13)] | add),
  ($peers[] as $peer | ($peer | pad(14)) + ([$columns[] as $c | $table[$peer][$c] | show | pad(13)] | add)),
  "", "ratio to socketioxide",
  ($peers[] as $peer | ($peer | pad(14)) + ([$columns[] as $c
      | (if $table[$peer][$c] == null or $table.socketioxide[$c] == null then null
         else $table[$peer][$c] / $table.socketioxide[$c] end) | show | pad(13)] | add)),
  "", "flood: deliveries a second, latency; lost and out of order over all fan-outs",
  ($all[] | select(.mode == "flood") | (.peer | pad(14)) + "\(.deliveries_per_s)  \(.latency)"),
  "lost \([$all[] | .lost // 0] | add), disorder \([$all[] | .disorder // 0] | add), tries beyond the first: \([$all[] | select(.attempt > 1) | .peer] | group_by(.) | map("\(.[0]) \(length)") | join(", "))"
