//! Archives to test with, whole and broken, made byte by byte: a library would refuse to write most of them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// An entry of a zip, as its records describe it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) data: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) crc: u32,
}

/// Not compressed.
pub(crate) fn stored(name: &str, content: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        flags: 0,
        method: 0,
        data: content.to_vec(),
        size: content.len() as u32,
        crc: crc32fast::hash(content),
    }
}

/// Deflated.
pub(crate) fn deflated(name: &str, content: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    Entry { method: 8, data: encoder.finish().unwrap(), ..stored(name, content) }
}

/// A zip with its directory.
pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let common = [
            &entry.flags.to_le_bytes()[..],
            &entry.method.to_le_bytes(),
            &[0; 4],
            &entry.crc.to_le_bytes(),
            &(entry.data.len() as u32).to_le_bytes(),
            &entry.size.to_le_bytes(),
            &(entry.name.len() as u16).to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(&entry.name);
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(&common);
        out.extend(&entry.name);
        out.extend(&entry.data);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(entries.len() as u16).to_le_bytes(); 2].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// One member of a tar: its header, its content, and what fills the block.
pub(crate) fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = [0; 512];
    let length = name.len().min(100);
    block[..length].copy_from_slice(&name[..length]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = block.to_vec();
    out.extend(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A tar of plain files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out: Vec<u8> = files.iter().flat_map(|(name, content)| member(name.as_bytes(), b'0', content)).collect();
    out.extend([0; 1024]);
    out
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A zstd frame (RFC 8878) of one block that is not compressed.
pub(crate) fn zstd(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32;
    let mut out = b"\x28\xb5\x2f\xfd\xa0".to_vec();
    out.extend(length.to_le_bytes());
    out.extend(&(length << 3 | 1).to_le_bytes()[..3]);
    out.extend(content);
    out
}

/// An xz stream of one block that is not compressed, and without a check. `dictionary` is the code of its size.
pub(crate) fn xz(content: &[u8], dictionary: u8) -> Vec<u8> {
    fn sealed(bytes: &[u8]) -> Vec<u8> {
        [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat()
    }
    let mut out = b"\xfd7zXZ\0".to_vec();
    out.extend(sealed(&[0, 0]));
    out.extend(sealed(&[2, 0, 0x21, 1, dictionary, 0, 0, 0]));
    let mut unpadded = 12;
    let mut body = Vec::new();
    for (at, chunk) in content.chunks(0x1_0000).enumerate() {
        body.push(if at == 0 { 1 } else { 2 });
        body.extend(((chunk.len() - 1) as u16).to_be_bytes());
        body.extend(chunk);
    }
    body.push(0);
    unpadded += body.len();
    body.resize(body.len().next_multiple_of(4), 0);
    out.extend(body);
    let mut index = vec![0, 1];
    for mut number in [unpadded, content.len()] {
        while number > 0x7f {
            index.push(number as u8 | 0x80);
            number >>= 7;
        }
        index.push(number as u8);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let index = sealed(&index);
    out.extend(&index);
    let backward = [&(index.len() as u32 / 4 - 1).to_le_bytes()[..], &[0, 0]].concat();
    out.extend(crc32fast::hash(&backward).to_le_bytes());
    out.extend(backward);
    out.extend(b"YZ");
    out
}
