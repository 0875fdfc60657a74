// Writes what Kubernetes' own library reads in texts, most of them wrong in some way, and in what it
// gives back for them: on each line the text, and how many bytes and how many thousandths of a core it
// is, rounded up (away from zero); or the text alone, when it is refused. A number that 64 bits can't
// hold is `max`.
//
//	go run quantities.go 34 1000 > quantities.txt
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"gopkg.in/inf.v0"
	"k8s.io/apimachinery/pkg/api/resource"
)

var numbers = []string{
	"", ".", "0", "00", "0.0", "1", "01", "1.", "1.0", ".5", "0.5", "1.5", "2.50", "3.0001", "999", "1000", "1024",
	"1023.999", "0.001", "0.0009", "0.0000000001", "123456789.987654321", "7000000", "9007199254740993",
	"9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "8.000000000000000001",
	"99999999999999999999999999999999999999999", "0.33333333333333333333333333333333333333333333", "1.2.3", "1,5", "x", "0x10", "1_000",
}

var suffixes = []string{
	"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e0", "e3", "E3", "e+3", "e-3",
	"e9", "e19", "e-9", "e-10", "e-19", "e03", "E-400", "e400", "e4294967299", "e-4294967293", "e99999999999999999999",
	"e", "E+", "e1.5", "ee3", "K", "ki", "mi", "i", "B", "GB", "kk", "Mib", " ", " Gi", "m ",
}

func main() {
	seed, count := number(os.Args[1]), number(os.Args[2])
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	fmt.Println("# seed", seed)
	for i, number := range numbers {
		for j, suffix := range suffixes {
			show(number + suffix)
			if (i+j)%7 == 0 {
				show("+" + number + suffix)
				show("-" + number + suffix)
				show(" " + number + suffix)
				show("+-" + number + suffix)
			}
		}
	}
	const letters = "0000123456789.....+-eEinumkKMGTP"
	for range count {
		text := make([]byte, 1+random.IntN(6))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		show(string(text))
	}
}

var shown = map[string]bool{}

func show(text string) {
	if shown[text] {
		return
	}
	shown[text] = true
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		fmt.Println(text)
		return
	}
	fmt.Printf("%s|%s|%s\n", text, rounded(quantity, 0), rounded(quantity, 3))
	show(quantity.String())
}

// The exact number, rounded to a number of places: Value and MilliValue overflow.
func rounded(quantity resource.Quantity, places inf.Scale) string {
	exact := quantity.AsDec()
	whole := new(inf.Dec).Round(exact, places, inf.RoundUp)
	unscaled := whole.UnscaledBig()
	if unscaled.IsUint64() || unscaled.Sign() < 0 {
		return unscaled.String()
	}
	return "max"
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}
