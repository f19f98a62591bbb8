package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func (given options) text(key string, otherwise string) string {
	if value, found := given[key]; found {
		return value
	}
	return otherwise
}

func (given options) number(key string, otherwise int) int {
	value, found := given[key]
	if !found {
		return otherwise
	}
	number, err := strconv.Atoi(value)
	if err != nil {
		panic(err)
	}
	return number
}

func (given options) namesrv() []string {
	return strings.Split(given["namesrv"], ";")
}

// standardErrorLogger keeps the client's warnings and errors, and drops the rest.
type standardErrorLogger struct{}

func (standardErrorLogger) Debug(string, map[string]interface{}) {}
func (standardErrorLogger) Info(string, map[string]interface{})  {}
func (standardErrorLogger) Warning(text string, fields map[string]interface{}) {
	fmt.Fprintln(os.Stderr, "warning", text, fields)
}
func (standardErrorLogger) Error(text string, fields map[string]interface{}) {
	fmt.Fprintln(os.Stderr, "error", text, fields)
}
func (standardErrorLogger) Fatal(text string, fields map[string]interface{}) {
	fmt.Fprintln(os.Stderr, "fatal", text, fields)
}
func (standardErrorLogger) Level(string)            {}
func (standardErrorLogger) OutputPath(string) error { return nil }
