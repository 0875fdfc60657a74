// Writes which changes of the clocks skip or double a run, as Kubernetes' own library has it. Each schedule stands on a
// line, and below it for each zone a start, and then each such change within 400 days of the one before: when the clocks
// change, what becomes of a run, and when that is due by the clock on the wall. See changes.rs for what counts.
//
//	ZONEINFO=$(go env GOROOT)/lib/time/zoneinfo.zip go run changes.go > changes.txt
package main

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

const day, wall = 24 * time.Hour, "2006-01-02T15:04"

// The zones, each with a year from which on the copies of the IANA database agree.
var zones = []struct {
	name string
	year int
}{
	{"Etc/UTC", 2028}, {"Europe/Berlin", 2028}, {"America/New_York", 2028}, {"Australia/Lord_Howe", 2028},
	{"America/Santiago", 2028}, {"Africa/Casablanca", 2020}, {"Asia/Tehran", 2014}, {"Pacific/Apia", 2013},
	{"Africa/Cairo", 2028}, {"Asia/Beirut", 2028}, {"America/Havana", 2028}, {"America/Sao_Paulo", 2010},
	{"Pacific/Chatham", 2028}, {"Antarctica/Troll", 2028}, {"Asia/Kathmandu", 2028}, {"Atlantic/Azores", 2028},
}

var days = []string{"* * *", "* * 0", "* * sat", "1 * *", "1-7 * 0", "28-31 3,10 *", "* * mon-fri", "? apr,sep 6", "*/7 * *"}

var times = []string{"* *", "*/15 *", "45 *", "0 */2", "30 0", "15 1", "0 2", "30 2", "30 1-3", "0 3", "15 3", "45 23",
	"0 0", "59 0-23/3", "5 12", "10,50 1,2"}

func main() {
	fmt.Println("#", len(days)*len(times), "schedules,", len(zones), "zones")
	for _, days := range days {
		for _, times := range times {
			fmt.Println(times, days)
			for _, zone := range zones {
				location, err := time.LoadLocation(zone.name)
				must(err)
				schedule, err := cron.ParseStandard("TZ=" + zone.name + " " + times + " " + days)
				must(err)
				at := time.Date(zone.year, 1, 1, 0, 0, 0, 0, time.UTC)
				fmt.Print(" ", zone.name, " ", at.Format(time.RFC3339))
				for range 4 {
					next, what := nextChange(schedule.(*cron.SpecSchedule), at, location)
					if what == "" {
						break
					}
					fmt.Print(" ", next.Format(time.RFC3339), " ", what)
					at = next
				}
				fmt.Println()
			}
		}
	}
}

func offset(at time.Time, zone *time.Location) int { _, seconds := at.In(zone).Zone(); return seconds }

func nextChange(schedule *cron.SpecSchedule, from time.Time, zone *time.Location) (time.Time, string) {
	for at := from.Add(30 * time.Minute); !at.After(from.Add(400 * day)); at = at.Add(30 * time.Minute) {
		was, is := offset(at.Add(-30*time.Minute), zone), offset(at, zone)
		if was == is {
			continue
		}
		if what := effect(schedule, at, was, is, zone); what != "" {
			return at, what
		}
	}
	return from, ""
}

// What the wall clock shows is written as if it were UTC.
func shown(at time.Time, offset int) time.Time {
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

func effect(schedule *cron.SpecSchedule, at time.Time, was, is int, zone *time.Location) string {
	low, high := shown(at, min(was, is)), shown(at, max(was, is))
	first, end := low.Truncate(day).Add(-day), high.Truncate(day).Add(2*day)
	runs := map[time.Time]int{}
	for _, run := range runsAround(schedule, at) {
		runs[shown(run, offset(run, zone))]++
	}
	everyHour := schedule.Hour&(1<<24-1) == 1<<24-1
	for minute := first; minute.Before(end); minute = minute.Add(time.Minute) {
		wanted, came, clock := 0, runs[minute], 1
		if matches(schedule, minute) {
			wanted = 1
		}
		if !minute.Before(low) && minute.Before(high) {
			clock = map[bool]int{true: 0, false: 2}[is > was]
		}
		if came == wanted || everyHour && wanted == 1 && came == clock {
			continue
		}
		if came < wanted {
			return "skipped " + minute.Format(wall)
		}
		return "doubled " + minute.Format(wall)
	}
	return ""
}

// The runs of some days, each searched for from the one before, as the CronJob controller does it.
func runsAround(schedule *cron.SpecSchedule, change time.Time) (runs []time.Time) {
	at := after(schedule, change.Add(-45*day))
	if at.IsZero() || at.After(change.Add(-4*day)) {
		at = after(schedule, change.Add(-405*day))
	}
	for !at.IsZero() && at.Before(change.Add(4*day)) {
		runs = append(runs, at)
		at = after(schedule, at)
	}
	return runs
}

// As in next.go.
func after(schedule cron.Schedule, from time.Time) time.Time {
	at := schedule.Next(from)
	for !at.IsZero() && !at.After(from) {
		next := schedule.Next(at)
		if !next.After(at) {
			return time.Time{}
		}
		at = next
	}
	return at
}

// Whether a schedule has a minute, as people read it.
func matches(schedule *cron.SpecSchedule, at time.Time) bool {
	const star = 1 << 63
	has := func(bits uint64, value int) bool { return bits&(1<<uint(value)) != 0 }
	number, weekday := has(schedule.Dom, at.Day()), has(schedule.Dow, int(at.Weekday()))
	isDay := number && weekday
	if schedule.Dom&star == 0 && schedule.Dow&star == 0 {
		isDay = number || weekday
	}
	return isDay && has(schedule.Month, int(at.Month())) && has(schedule.Hour, at.Hour()) && has(schedule.Minute, at.Minute())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
