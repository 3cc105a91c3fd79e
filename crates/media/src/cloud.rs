//! A serialized `sensor_msgs/msg/PointCloud2`, and one with fewer points and fields.

use std::collections::HashSet;

use remote_access_cdr::{Builder, Reader};

use crate::error::{CloudError, MediaError};
use crate::image::Stamp;
use crate::message::MOST_BYTES;

/// Most fields of a point: more than any sensor has.
const MOST_FIELDS: u32 = 64;
/// `sensor_msgs/msg/PointField.FLOAT32`.
const FLOAT32: u8 = 7;
/// Bits of a voxel's number in each direction.
const VOXEL_BITS: u32 = 21;

/// How a cloud is to be reduced.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduction {
    /// Names of the fields that are kept, beside x, y and z.
    pub fields: Vec<String>,
    /// Edge of the cubes of which each keeps one point, in metres; none keeps all.
    pub voxel: Option<f32>,
    /// Most points; of more every second, third, … is kept.
    pub most_points: usize,
}

/// A cloud where it lies in its message.
#[derive(Clone, Debug, PartialEq)]
pub struct PointCloud<'a> {
    pub(crate) stamp: Stamp,
    pub(crate) frame_id: &'a str,
    fields: Vec<Field<'a>>,
    /// Where x, y and z begin in a point.
    position: [usize; 3],
    pub(crate) big_endian: bool,
    height: usize,
    width: usize,
    point_step: usize,
    row_step: usize,
    data: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) offset: usize,
    pub(crate) datatype: u8,
    pub(crate) count: u32,
    /// Bytes of all its elements.
    pub(crate) size: usize,
}

impl<'a> PointCloud<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// It is no cloud, has no position of type FLOAT32, or says of itself what is not so.
    pub fn parse(message: &'a [u8]) -> Result<Self, MediaError> {
        let mut reader = Reader::new(message).map_err(CloudError::Message)?;
        Self::read(&mut reader)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, MediaError> {
        let stamp = Stamp {
            seconds: reader.i32().map_err(CloudError::Message)?,
            nanoseconds: reader.u32().map_err(CloudError::Message)?,
        };
        let number = |reader: &mut Reader<'a>| reader.u32().map_err(CloudError::Message);
        let frame_id = reader.string().map_err(CloudError::Message)?;
        let (height, width) = (number(reader)?, number(reader)?);
        let count = number(reader)?;
        if count > MOST_FIELDS {
            return Err(CloudError::Fields(count).into());
        }
        let mut fields = Vec::with_capacity(count as usize);
        for _ in 0..count {
            fields.push(Field::read(reader)?);
        }
        let big_endian = reader.u8().map_err(CloudError::Message)? != 0;
        let (point_step, row_step) = (number(reader)?, number(reader)?);
        let data = reader.bytes().map_err(CloudError::Message)?;

        let too_long = |field: &&Field<'_>| field.offset + field.size > point_step as usize;
        if let Some(field) = fields.iter().find(too_long) {
            return Err(CloudError::PointStep {
                point_step,
                field: field.name.chars().take(40).collect(),
                needed: field.offset + field.size,
            }
            .into());
        }
        let row = u64::from(width) * u64::from(point_step);
        if height > 1 && u64::from(row_step) < row {
            return Err(CloudError::RowStep {
                row_step,
                needed: row,
            }
            .into());
        }
        let needed = match u64::from(height).checked_sub(1) {
            Some(others) => u64::from(row_step) * others + row,
            None => 0,
        };
        if (data.len() as u64) < needed {
            let found = data.len();
            return Err(CloudError::CutOff { found, needed }.into());
        }
        let position = ["x", "y", "z"].map(|name| {
            let found = fields.iter().find(|field| field.name == name);
            found.filter(|field| field.datatype == FLOAT32 && field.count >= 1)
        });
        let [Some(x), Some(y), Some(z)] = position else {
            return Err(CloudError::Position.into());
        };
        let position = [x.offset, y.offset, z.offset];
        Ok(Self {
            stamp,
            frame_id,
            position,
            fields,
            big_endian,
            height: height as usize,
            width: if point_step == 0 { 0 } else { width as usize },
            point_step: point_step as usize,
            row_step: row_step as usize,
            data,
        })
    }

    /// The points, row by row.
    fn points(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        (0..self.height).flat_map(|row| {
            let start = row * self.row_step;
            // There by what was checked.
            let bytes = self.data.get(start..start + self.width * self.point_step);
            bytes
                .unwrap_or_default()
                .chunks_exact(self.point_step.max(1))
        })
    }

    /// Position of a point; none if a coordinate is no number.
    pub(crate) fn position(&self, point: &[u8]) -> Option<[f32; 3]> {
        let mut found = [0.0; 3];
        for (value, &offset) in found.iter_mut().zip(&self.position) {
            let bytes = point.get(offset..offset + 4)?.try_into().ok()?;
            *value = match self.big_endian {
                true => f32::from_be_bytes(bytes),
                false => f32::from_le_bytes(bytes),
            };
        }
        found.iter().all(|value| value.is_finite()).then_some(found)
    }

    /// The points that are left, all of which have a position.
    pub(crate) fn kept(&self, reduction: &Reduction) -> Vec<&'a [u8]> {
        let mut taken = HashSet::new();
        let mut is_new = |point: &&[u8]| {
            let Some(position) = self.position(point) else {
                return false;
            };
            reduction
                .voxel
                .is_none_or(|edge| taken.insert(voxel(position, edge)))
        };
        let mut kept: Vec<&[u8]> = self.points().filter(|point| is_new(point)).collect();
        let every = kept.len().div_ceil(reduction.most_points.max(1)).max(1);
        if every > 1 {
            kept = kept.into_iter().step_by(every).collect();
        }
        kept
    }

    /// The fields that are left, with those of the position.
    pub(crate) fn wanted<'b>(
        &'b self,
        reduction: &'b Reduction,
    ) -> impl Iterator<Item = &'b Field<'a>> {
        self.fields.iter().filter(|field| {
            let position = ["x", "y", "z"].contains(&field.name);
            position || reduction.fields.iter().any(|name| name == field.name)
        })
    }

    /// The serialized cloud with fewer points and fields: without those that have no position, in
    /// one row.
    ///
    /// # Errors
    /// It would be larger than 4 GB.
    pub fn reduced(&self, reduction: &Reduction) -> Result<Vec<u8>, MediaError> {
        let kept = self.kept(reduction);
        let fields: Vec<&Field<'_>> = self.wanted(reduction).collect();
        let point_step: usize = fields.iter().map(|field| field.size).sum();
        let mut data = Vec::with_capacity(kept.len() * point_step);
        for point in &kept {
            for field in &fields {
                let bytes = point.get(field.offset..field.offset + field.size);
                data.extend_from_slice(bytes.unwrap_or_default());
            }
        }
        self.message(&fields, kept.len(), point_step, &data)
    }

    fn message(
        &self,
        fields: &[&Field<'_>],
        count: usize,
        point_step: usize,
        data: &[u8],
    ) -> Result<Vec<u8>, MediaError> {
        let fits = |size: usize| u32::try_from(size).map_err(|_| CloudError::TooLarge);
        let mut message = Builder::new(MOST_BYTES);
        message
            .i32(self.stamp.seconds)?
            .u32(self.stamp.nanoseconds)?
            .string(self.frame_id)?
            .u32(1)?
            .u32(fits(count)?)?
            .u32(fits(fields.len())?)?;
        let mut offset = 0;
        for field in fields {
            message
                .string(field.name)?
                .u32(fits(offset)?)?
                .u8(field.datatype)?
                .u32(field.count)?;
            offset += field.size;
        }
        message
            .u8(self.big_endian.into())?
            .u32(fits(point_step)?)?
            .u32(fits(count * point_step)?)?
            .bytes(data)?
            .u8(1)?;
        Ok(message.finish())
    }
}

impl<'a> Field<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, MediaError> {
        let name = reader.string().map_err(CloudError::Message)?;
        let offset = reader.u32().map_err(CloudError::Message)?;
        let datatype = reader.u8().map_err(CloudError::Message)?;
        let count = reader.u32().map_err(CloudError::Message)?;
        let element: u64 = match datatype {
            1 | 2 => 1,
            3 | 4 => 2,
            5..=7 => 4,
            8 => 8,
            _ => return Err(CloudError::Datatype(datatype).into()),
        };
        let size = element * u64::from(count);
        // One that does not fit any point is found when it is compared with the point's size.
        let size = usize::try_from(size.min(u64::from(u32::MAX))).unwrap_or(usize::MAX / 4);
        Ok(Self {
            name,
            offset: offset as usize,
            datatype,
            count,
            size,
        })
    }
}

/// The cube in which a position lies. Far away they repeat, after a million cubes.
fn voxel(position: [f32; 3], edge: f32) -> u64 {
    position.iter().fold(0, |number, value| {
        let index = (value / edge).floor() as i64 as u64;
        (number << VOXEL_BITS) | (index & ((1 << VOXEL_BITS) - 1))
    })
}
