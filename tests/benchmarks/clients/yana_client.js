// Counts all events, reads two headers of every report, says what it cost.
const AMI = require(process.env.YANA || "yana");
const [port, events] = [Number(process.argv[2]), Number(process.argv[3])];
const begun = process.cpuUsage();
let count = 0, reports = 0, letters = 0;
const ami = new AMI({ port, host: "127.0.0.1", login: "bench", password: "bench", events: true, reconnect: false });
ami.on("error", () => {});
ami.on("event", (event) => {
  count += 1;
  const name = event.event || event.Event || "";
  if (name.startsWith("RTCP")) {
    reports += 1;
    letters += (event.channel || event.Channel || "").length + Number(event.report0fractionlost || event.Report0FractionLost || 0);
  }
  if (count === events) {
    const used = process.cpuUsage(begun);
    const peak = process.resourceUsage().maxRSS / 1024;
    console.log(JSON.stringify({ events: count, reports, cpu_s: (used.user + used.system) / 1e6, peak_mb: peak }));
    process.exit(0);
  }
});
ami.connect();
