// Reads an environment file or a manifest with the library of its real reader, and prints what it found as JSON:
// `readers godotenv|compose|docker|kubernetes FILE`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
	"github.com/joho/godotenv"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

type manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// The data of a ConfigMap or a Secret that the API server would take.
func readManifest(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var object manifest
	if err := yaml.UnmarshalStrict(text, &object); err != nil {
		return nil, err
	}
	values := map[string]string{}
	if object.Kind == "Secret" {
		var data map[string][]byte
		err = json.Unmarshal(object.Data, &data)
		for name, value := range data {
			values[name] = string(value)
		}
	} else {
		err = json.Unmarshal(object.Data, &values)
	}
	faults := validation.IsDNS1123Subdomain(object.Metadata.Name)
	for name := range values {
		faults = append(faults, validation.IsConfigMapKey(name)...)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%v", faults)
	}
	return values, err
}

func read(reader, path string) (map[string]string, error) {
	if reader == "kubernetes" {
		return readManifest(path)
	}
	if reader == "docker" {
		lines, err := kvfile.Parse(path, nil)
		values := map[string]string{}
		for _, line := range lines {
			name, value, _ := strings.Cut(line, "=")
			values[name] = value
		}
		return values, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if reader == "compose" {
		return compose.ParseWithLookup(file, func(string) (string, bool) { return "", false })
	}
	return godotenv.Parse(file)
}

func main() {
	logrus.SetLevel(logrus.ErrorLevel)
	values, err := read(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(values); err != nil {
		panic(err)
	}
}
