// Writes when Kubernetes runs random schedules, as its own library says. Each schedule stands on a
// line, and below it for each zone a start and the minutes from there to the next times, each counted
// from the one before; `-` is "not in the next five years", or "never": see after.
//
//	ZONEINFO=$(go env GOROOT)/lib/time/zoneinfo.zip go run next.go 20280326 300 > next.txt
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"
)

// The zones, each with a year from which on the copies of the IANA database agree for eight years.
var zones = []struct {
	name string
	year int
}{
	{"UTC", 2028}, {"Europe/Berlin", 2028}, {"America/New_York", 2028}, {"Asia/Kathmandu", 2028},
	{"Africa/Cairo", 2028}, {"Asia/Beirut", 2028}, {"Asia/Gaza", 2028}, {"America/Santiago", 2028},
	{"America/Havana", 2028}, {"America/Asuncion", 2015}, {"America/Sao_Paulo", 2010}, {"Atlantic/Azores", 2028},
	{"America/Nuuk", 2028}, {"Australia/Lord_Howe", 2028}, {"Pacific/Chatham", 2028}, {"Antarctica/Troll", 2028},
	{"Africa/Casablanca", 2010}, {"Asia/Tehran", 2008}, {"Pacific/Apia", 2012},
}

var beforeChange = []time.Duration{30 * time.Second, time.Minute, 90 * time.Minute, 5 * time.Hour, 23 * time.Hour,
	47 * time.Hour, 5 * 24 * time.Hour, 20 * 24 * time.Hour, 200 * 24 * time.Hour, -time.Second, -50 * time.Minute, -7 * time.Hour}

func main() {
	seed, count := number(os.Args[1]), number(os.Args[2])
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	changes := make([][]time.Time, len(zones))
	for i, zone := range zones {
		changes[i] = changesOf(zone.name, zone.year)
	}
	fmt.Printf("# seed %d, %d schedules, %d zones\n", seed, count, len(zones))
	for range count {
		text := schedule(random)
		fmt.Println(text)
		for i, zone := range zones {
			next, err := cron.ParseStandard("TZ=" + zone.name + " " + text)
			must(err)
			at := time.Date(zone.year, 1, 1, 0, 0, random.IntN(8*365*24*60*60), 0, time.UTC)
			if len(changes[i]) > 0 && random.IntN(8) > 0 {
				at = changes[i][random.IntN(len(changes[i]))].Add(-beforeChange[random.IntN(len(beforeChange))])
			}
			fmt.Print(" ", zone.name, " ", at.Format(time.RFC3339))
			for range 3 {
				from := at
				if at = after(next, from); at.IsZero() {
					fmt.Print(" -")
					break
				}
				fmt.Print(" ", int(at.Sub(from.Truncate(time.Minute)).Minutes()))
			}
			fmt.Println()
		}
	}
}

// In a repeated hour the library may give a time that has passed. The CronJob controller starts nothing
// then, and asks again from there: until it comes to the future, or for ever if it is sent back again.
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

// A schedule with many a time in the small hours, and many a day on which somewhere clocks change.
func schedule(random *rand.Rand) string {
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	from := func(min, max int) string { return strconv.Itoa(min + random.IntN(max-min+1)) }
	minute := pick(from(0, 59), from(0, 59), "0", "30", "15,45", "*/20", "10-40/15")
	hour := pick(from(0, 23), from(0, 4), from(0, 4), from(0, 2)+"-"+from(2, 6), "23", "*", "*/6", "1-23/2")
	day := pick("*", "*", "*", from(1, 28), from(1, 8), from(22, 28), "*/7", "?", "1,28", "24-28")
	month := pick("*", "*", "*", from(1, 12), "3,10", "apr,sep", "oct-nov", "*/2")
	weekday := pick("*", "*", "*", from(0, 6), "sun", "thu-sat", "6", "?")
	if month == "*" && random.IntN(8) == 0 {
		day = pick("29", "30", "31", "29-31")
	}
	return fmt.Sprint(minute, " ", hour, " ", day, " ", month, " ", weekday)
}

// The moments of eight years at which the offset changes.
func changesOf(name string, year int) (changes []time.Time) {
	zone, err := time.LoadLocation(name)
	must(err)
	offset := func(at time.Time) int { _, seconds := at.In(zone).Zone(); return seconds }
	for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < year+8; at = at.Add(time.Minute * 30) {
		if offset(at) != offset(at.Add(-30*time.Minute)) {
			changes = append(changes, at)
		}
	}
	return changes
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
