// The unmodified Go client, driven over standard input: `id TAB command TAB key=value ...` lines, JSON answers.
// Commands and their options are those of e2e/java/src/client.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

type options map[string]string

type result map[string]interface{}

type answer struct {
	Id     string `json:"id"`
	Ok     bool   `json:"ok"`
	Result result `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

var commands = map[string]func(options) (result, error){
	"create-topic":       createTopic,
	"send":               send,
	"start-consumer":     startConsumer,
	"await-consumer":     awaitConsumer,
	"stop-consumer":      stopConsumer,
	"default-pull":       pull,
	"shutdown-producers": shutdownProducers,
}

// The client's own log goes to standard output by default, which belongs to the answers.
var out = bufio.NewWriter(os.Stdout)
var outLock sync.Mutex

func print(value interface{}) {
	bytes, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	outLock.Lock()
	defer outLock.Unlock()
	out.Write(append(bytes, '\n'))
	out.Flush()
}

func main() {
	rlog.SetLogger(standardErrorLogger{})
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	fmt.Println(`{"ready":true}`)
	for in.Scan() {
		parts := strings.Split(in.Text(), "\t")
		if len(parts) < 2 {
			continue
		}
		given := options{}
		for _, pair := range parts[2:] {
			if at := strings.Index(pair, "="); at > 0 {
				given[pair[:at]] = pair[at+1:]
			}
		}
		go run(parts[0], parts[1], given)
	}
}

func run(id string, name string, given options) {
	command, known := commands[name]
	if !known {
		print(answer{Id: id, Error: "unknown command " + name})
		return
	}
	defer func() {
		if failure := recover(); failure != nil {
			print(answer{Id: id, Error: fmt.Sprint("panic: ", failure)})
		}
	}()
	done, err := command(given)
	if err != nil {
		print(answer{Id: id, Error: err.Error()})
		return
	}
	print(answer{Id: id, Ok: true, Result: done})
}
