// tlog_check verifies what wasm_oci wrote, with Go's own packages sumdb/note and sumdb/tlog, which know nothing of it.
//
//	tlog_check log DIR KEY [CHECKPOINT...]   every record against the checkpoint, and the checkpoint against earlier ones
//	tlog_check proof FILE RECORD KEY         a proof and its record
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tlog_check:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "log":
		return checkLog(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "proof":
		return checkProof(args[1], args[2], args[3])
	}
	return fmt.Errorf("usage: log DIR KEY [CHECKPOINT...] | proof FILE RECORD KEY")
}

// checkpoint returns the tree of a signed note, which the key has to have signed.
func checkpoint(data []byte, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

type folder string

func (dir folder) Height() int { return height }

func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), name))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// bundle returns the records below the tile n of level 0.
func (dir folder) bundle(n int64, width int) ([][]byte, error) {
	name := tlog.Tile{H: height, L: -1, N: n, W: width}.Path()
	data, err := os.ReadFile(filepath.Join(string(dir), strings.Replace(name, "tile/8/data/", "tile/entries/", 1)))
	if err != nil {
		return nil, err
	}
	var records [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("bundle %d ends within a record", n)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		records, data = append(records, data[2:end]), data[end:]
	}
	if len(records) != width {
		return nil, fmt.Errorf("bundle %d has %d records, not %d", n, len(records), width)
	}
	return records, nil
}

func checkLog(dir, key string, kept []string) error {
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := checkpoint(data, key)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, folder(dir))
	for n := int64(0); n<<height < tree.N; n++ {
		width := int(min(tree.N-n<<height, 1<<height))
		records, err := folder(dir).bundle(n, width)
		if err != nil {
			return err
		}
		var indexes []int64
		for at := range records {
			indexes = append(indexes, tlog.StoredHashIndex(0, n<<height+int64(at)))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for at, record := range records {
			if tlog.RecordHash(record) != leaves[at] {
				return fmt.Errorf("record %d is not in the tree", n<<height+int64(at))
			}
		}
	}
	for _, name := range kept {
		if err := follows(tree, hashes, name, key); err != nil {
			return err
		}
	}
	fmt.Println(tree.N)
	return nil
}

// follows tells whether a tree begins with that of a checkpoint that was kept.
func follows(tree tlog.Tree, hashes tlog.HashReader, name, key string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, err := checkpoint(data, key)
	if err != nil {
		return err
	}
	if before.N == 0 {
		return nil
	}
	if before.N > tree.N {
		return fmt.Errorf("the log was cut from %d to %d", before.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
}

func checkProof(name, record, key string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	head, signed, _ := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return fmt.Errorf("not a hash: %q", line)
		}
		proof = append(proof, tlog.Hash(hash))
	}
	tree, err := checkpoint(signed, key)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Println(index)
	return nil
}
